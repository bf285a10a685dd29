;; cpu-021: `cb` calls the host, whose `env.callback` calls `cb`: the recursion passes through the host's own stack.
;; Must answer: limit-exceeded stack, at a depth of 64 at most. Needs a host that offers `env.callback`.
(module
  (import "env" "callback" (func $callback))
  (global $depth (export "depth") (mut i32) (i32.const 0))
  (func $cb (export "cb")
    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
    (call $callback))
  (func (export "run") (call $cb)))
