;; cpu-009: two functions that tail-call each other for ever: no loop and no growing stack.
;; Must answer: limit-exceeded fuel.
(module
  (func $ping (return_call $pong))
  (func $pong (return_call $ping))
  (func (export "run") (call $ping)))
