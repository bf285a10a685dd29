;; wasi-029: opens a FIFO and a socket that lie in its directory, to read and to write: the first would block the host,
;; both lead to other processes.
;; Must answer: exited 0: each is refused at once. The guest exits with the number of what opened, or 100 when a file does not.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "hello.txt")
  (data (i32.const 1040) "fifo")
  (data (i32.const 1050) "sock")
  (func $try (param $path i32) (param $rights i64) (param $fdflags i32) (param $code i32)
    (if (i32.eqz
          (call $open (i32.const 3) (i32.const 1) (local.get $path) (i32.const 4) (i32.const 0)
            (local.get $rights) (i64.const 0) (local.get $fdflags) (i32.const 0)))
      (then (call $exit (local.get $code)))))
  (func (export "_start")
    (if (call $open (i32.const 3) (i32.const 1) (i32.const 1024) (i32.const 9) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))
      (then (call $exit (i32.const 100))))
    (call $try (i32.const 1040) (i64.const 2) (i32.const 0) (i32.const 1))    ;; read
    (call $try (i32.const 1040) (i64.const 66) (i32.const 0) (i32.const 2))   ;; read and write
    (call $try (i32.const 1040) (i64.const 64) (i32.const 4) (i32.const 3))   ;; write, non-blocking
    (call $try (i32.const 1040) (i64.const 2) (i32.const 4) (i32.const 4))    ;; read, non-blocking
    (call $try (i32.const 1050) (i64.const 2) (i32.const 0) (i32.const 5))
    (call $try (i32.const 1050) (i64.const 66) (i32.const 0) (i32.const 6))))
