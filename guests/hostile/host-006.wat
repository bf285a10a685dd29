;; host-006: logs one message of 32 MiB.
;; Must answer: limit-exceeded log-bytes, and the message is not copied first.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 512)
  (func (export "run")
    (memory.fill (i32.const 0) (i32.const 120) (i32.const 0x2000000))
    (call $log (i32.const 0) (i32.const 0x2000000))))
