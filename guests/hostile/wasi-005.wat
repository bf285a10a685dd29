;; wasi-005: asks for 4 GiB of random bytes into a memory of 64 KiB.
;; Must answer: exited 0: an errno. The guest exits 1 when the call worked, 9 when 16 bytes cannot be had.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (if (call $random (i32.const 0) (i32.const 16)) (then (call $exit (i32.const 9))))
    (if (i32.eqz (call $random (i32.const 0) (i32.const -1))) (then (call $exit (i32.const 1))))))
