;; wasi-013: opens one file 5 000 times and closes none.
;; Must answer: exited 0: refused at 256 open files or before. The guest exits 1 when it got more, 2 when after closing one
;; it cannot open one.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "hello.txt")
  (func $open_hello (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 9) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
  (func (export "_start") (local $opened i32)
    (block $refused
      (loop $again
        (br_if $refused (call $open_hello))
        (local.set $opened (i32.add (local.get $opened) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $opened) (i32.const 5000)))))
    (if (i32.gt_u (local.get $opened) (i32.const 256)) (then (call $exit (i32.const 1))))
    ;; The last descriptor that was given out.
    (if (call $close (i32.load (i32.const 0))) (then (call $exit (i32.const 2))))
    (if (call $open_hello) (then (call $exit (i32.const 2))))))
