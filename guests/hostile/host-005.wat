;; host-005: logs a message while its export `memory` is a function.
;; Must answer: trapped host.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (func (export "memory"))
  (func (export "run") (call $log (i32.const 0) (i32.const 6))))
