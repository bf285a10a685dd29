;; wasi-003: sleeps 10^9 seconds, computing nothing that an epoch or fuel could interrupt.
;; Must answer: limit-exceeded wall-time.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))                     ;; the monotonic clock
    (i64.store (i32.const 24) (i64.const 1000000000000000000))   ;; in nanoseconds
    (loop $again
      (drop (call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 2048)))
      (br $again))))
