;; host-002: logs a message of length -1.
;; Must answer: trapped host.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "proper")
  (func (export "run")
    (call $log (i32.const 0) (i32.const 6))
    (call $log (i32.const 0) (i32.const -1))))
