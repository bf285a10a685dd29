;; wasi-012: renumbers descriptors to and from numbers that are not open, then opens and uses files: a table of descriptors
;; indexed or grown by a guest's number has brought a host down before.
;; Must answer: exited 0. The guest exits with the number of what went wrong.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "hello.txt")
  (func $fails (param $errno i32) (param $code i32)
    (if (i32.eqz (local.get $errno)) (then (call $exit (local.get $code)))))
  (func $works (param $errno i32) (param $code i32)
    (if (local.get $errno) (then (call $exit (local.get $code)))))
  (func $open_hello (result i32)
    (call $works
      (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 9) (i32.const 0)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))
      (i32.const 100))
    (i32.load (i32.const 0)))
  (func $read1 (param $fd i32) (result i32)
    (i32.store (i32.const 16) (i32.const 2048))
    (i32.store (i32.const 20) (i32.const 1))
    (call $read (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 32)))
  (func (export "_start") (local $a i32) (local $b i32)
    (local.set $a (call $open_hello))
    (local.set $b (call $open_hello))
    ;; Neither end may be made up.
    (call $fails (call $renumber (local.get $a) (i32.const -1)) (i32.const 1))
    (call $fails (call $renumber (local.get $a) (i32.const 0x7fffffff)) (i32.const 2))
    (call $fails (call $renumber (local.get $a) (i32.const 100000)) (i32.const 3))
    (call $fails (call $renumber (i32.const -1) (local.get $a)) (i32.const 4))
    (call $fails (call $renumber (i32.const 100000) (i32.const 100001)) (i32.const 5))
    ;; Onto itself: allowed or not, it stays open.
    (drop (call $renumber (local.get $a) (local.get $a)))
    (call $works (call $read1 (local.get $a)) (i32.const 6))
    ;; One onto the other: the old number is closed, the new one reads.
    (call $works (call $renumber (local.get $a) (local.get $b)) (i32.const 7))
    (call $fails (call $read1 (local.get $a)) (i32.const 8))
    (call $works (call $read1 (local.get $b)) (i32.const 9))
    (call $fails (call $renumber (local.get $a) (local.get $b)) (i32.const 10))
    ;; And the directory is still what it was: a new file opens.
    (call $works (call $close (local.get $b)) (i32.const 11))
    (call $works (call $close (call $open_hello)) (i32.const 12))))
