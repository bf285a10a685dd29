;; wasi-016: makes a file of 1 TiB that holds nothing: by its size, by allocation, by a seek and a byte, by a byte far out.
;; Must answer: exited 0: each is refused, with the violation `file-size` or `disk`. The guest exits with the number of what
;; worked, or 9 when it cannot create a file.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $truncate (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "sparse")
  (func $fails (param $errno i32) (param $code i32)
    (if (i32.eqz (local.get $errno)) (then (call $exit (local.get $code)))))
  (func (export "_start") (local $file i32)
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 6) (i32.const 1)
          (i64.const 0x400166) (i64.const 0) (i32.const 0) (i32.const 0)) ;; read, write, seek, tell, allocate, resize
      (then (call $exit (i32.const 9))))
    (local.set $file (i32.load (i32.const 0)))
    (i32.store (i32.const 16) (i32.const 1024))
    (i32.store (i32.const 20) (i32.const 1))
    (call $fails (call $truncate (local.get $file) (i64.const 0x10000000000)) (i32.const 1))
    (call $fails (call $allocate (local.get $file) (i64.const 0) (i64.const 0x10000000000)) (i32.const 2))
    (call $fails (call $pwrite (local.get $file) (i32.const 16) (i32.const 1) (i64.const 0x10000000000) (i32.const 32))
      (i32.const 3))
    (drop (call $seek (local.get $file) (i64.const 0x10000000000) (i32.const 0) (i32.const 40)))
    (call $fails (call $write (local.get $file) (i32.const 16) (i32.const 1) (i32.const 32)) (i32.const 4))))
