;; wasi-001: poll_oneoff with 2^28 subscriptions of 48 bytes: their size is 3 x 2^32, which is 0 in 32 bits.
;; Must answer: exited 0: an errno. The guest exits 1 when the call worked, 9 when a poll with one subscription does not.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    ;; All zeros is a subscription: the real-time clock, in 0 ns.
    (if (call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 2048)) (then (call $exit (i32.const 9))))
    (if (i32.eqz (call $poll (i32.const 0) (i32.const 1024) (i32.const 0x10000000) (i32.const 2048)))
      (then (call $exit (i32.const 1))))))
