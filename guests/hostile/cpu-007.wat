;; cpu-007: recursion. `run` goes 60 000 calls deep, which needs more than 512 KiB and less than 8 MiB of native stack;
;; `forever` never comes back, whatever the stack.
;; Must answer: limit-exceeded stack, and the host's own stack is untouched.
(module
  (global $depth (mut i32) (i32.const 60000))
  ;; The addition after the call keeps the frame: this is no tail call.
  (func $down (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
    (i32.add (call $down (i32.sub (local.get $n) (i32.const 1))) (local.get $n)))
  (func (export "run") (drop (call $down (global.get $depth))))
  (func (export "forever") (drop (call $down (i32.const -1)))))
