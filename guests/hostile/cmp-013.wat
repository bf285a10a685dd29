;; cmp-013: waits for six centuries.
;; Must answer: limit-exceeded, wall-time.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (memory (export "memory") 1)
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $block (call $subscribe (i64.const 1000000)))
    (call $block (call $subscribe (i64.const -1)))
    (i32.const 0)))
