;; host-004: logs a message from a memory that it does not export.
;; Must answer: trapped host.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "hidden")
  (func (export "run") (call $log (i32.const 0) (i32.const 6))))
