;; wasi-011: every way to change something below a directory granted read-only.
;; Must answer: exited 0: each is refused. The guest exits with the number of the call that worked, or 100 when reading does not.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $rmdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_set_times"
    (func $path_times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_times" (func $fd_times (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $truncate (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "hello.txt") ;; 9 bytes
  (data (i32.const 1040) "new")       ;; 3 bytes
  (data (i32.const 1050) "sub")       ;; 3 bytes
  (func $fails (param $errno i32) (param $code i32)
    (if (i32.eqz (local.get $errno)) (then (call $exit (local.get $code)))))
  (func $open_hello (param $oflags i32) (param $rights i64) (param $fdflags i32) (result i32)
    (call $open (i32.const 3) (i32.const 1) (i32.const 1024) (i32.const 9) (local.get $oflags)
      (local.get $rights) (i64.const 0) (local.get $fdflags) (i32.const 0)))
  (func (export "_start") (local $file i32)
    ;; To truncate, to truncate although only reading is asked for, to write, to append, to create.
    (call $fails (call $open_hello (i32.const 8) (i64.const 66) (i32.const 0)) (i32.const 1))
    (call $fails (call $open_hello (i32.const 8) (i64.const 2) (i32.const 0)) (i32.const 2))
    (call $fails
      (call $open (i32.const 3) (i32.const 0) (i32.const 1040) (i32.const 3) (i32.const 1)
        (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 0))
      (i32.const 3))
    (call $fails
      (call $open (i32.const 3) (i32.const 0) (i32.const 1040) (i32.const 3) (i32.const 5)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))
      (i32.const 4))
    ;; Names.
    (call $fails
      (call $link (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 9) (i32.const 3) (i32.const 1040) (i32.const 3))
      (i32.const 5))
    (call $fails
      (call $rename (i32.const 3) (i32.const 1024) (i32.const 9) (i32.const 3) (i32.const 1040) (i32.const 3))
      (i32.const 6))
    (call $fails
      (call $symlink (i32.const 1024) (i32.const 9) (i32.const 3) (i32.const 1040) (i32.const 3)) (i32.const 7))
    (call $fails (call $unlink (i32.const 3) (i32.const 1024) (i32.const 9)) (i32.const 8))
    (call $fails (call $mkdir (i32.const 3) (i32.const 1040) (i32.const 3)) (i32.const 9))
    (call $fails (call $rmdir (i32.const 3) (i32.const 1050) (i32.const 3)) (i32.const 10))
    (call $fails
      (call $path_times (i32.const 3) (i32.const 1) (i32.const 1024) (i32.const 9) (i64.const 0) (i64.const 0) (i32.const 5))
      (i32.const 11))
    ;; Through a file opened to read.
    (if (call $open_hello (i32.const 0) (i64.const 2) (i32.const 0)) (then (call $exit (i32.const 100))))
    (local.set $file (i32.load (i32.const 0)))
    (i32.store (i32.const 16) (i32.const 1024))
    (i32.store (i32.const 20) (i32.const 1))
    (call $fails (call $write (local.get $file) (i32.const 16) (i32.const 1) (i32.const 32)) (i32.const 12))
    (call $fails (call $pwrite (local.get $file) (i32.const 16) (i32.const 1) (i64.const 0) (i32.const 32)) (i32.const 13))
    (call $fails (call $truncate (local.get $file) (i64.const 0)) (i32.const 14))
    (call $fails (call $allocate (local.get $file) (i64.const 0) (i64.const 4096)) (i32.const 15))
    (call $fails (call $fd_times (local.get $file) (i64.const 0) (i64.const 0) (i32.const 5)) (i32.const 16))
    ;; A file opened to write and append: refused at once, or at the first write.
    (if (i32.eqz (call $open_hello (i32.const 0) (i64.const 66) (i32.const 1)))
      (then
        (call $fails (call $write (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 32)) (i32.const 17))))))
