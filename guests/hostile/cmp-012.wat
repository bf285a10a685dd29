;; cmp-012: 20 000 things to wait for, none of them given back.
;; Must answer: limit-exceeded, resource-table.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (local $left i32)
    (local.set $left (i32.const 20000))
    (loop $again
      (drop (call $subscribe (i64.const 1000000000)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.const 0)))
