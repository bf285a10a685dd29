;; wasi-002: poll_oneoff with 600 000 valid subscriptions, room for all the answers included: 48 MB in the guest,
;; and as much again in a host that copies them.
;; Must answer: exited 0: EINVAL. The guest exits 1 when the call worked, 9 when a poll with two subscriptions does not.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 740)
  (func (export "_start")
    (if (call $poll (i32.const 0) (i32.const 28800000) (i32.const 2) (i32.const 48000000)) (then (call $exit (i32.const 9))))
    (if (i32.eqz (call $poll (i32.const 0) (i32.const 28800000) (i32.const 600000) (i32.const 48000000)))
      (then (call $exit (i32.const 1))))))
