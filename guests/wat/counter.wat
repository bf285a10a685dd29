;; An actor: a number in its memory. `add` adds to it, `take` takes away from it, `get` reads it; `calls` counts them.
;; A `take` of more than there is traps, and leaves it wrong: what a host must not go on with.
(module
  (memory (export "memory") 1)
  (global (export "calls") (mut i32) (i32.const 0))

  (func (export "add") (param $n i64) (result i64)
    (global.set 0 (i32.add (global.get 0) (i32.const 1)))
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $n)))
    (i64.load (i32.const 0)))

  (func (export "get") (result i64)
    (global.set 0 (i32.add (global.get 0) (i32.const 1)))
    (i64.load (i32.const 0)))

  (func (export "take") (param $n i64) (result i64)
    (i64.store (i32.const 0) (i64.sub (i64.load (i32.const 0)) (local.get $n)))
    (if (i64.lt_s (i64.load (i32.const 0)) (i64.const 0)) (then unreachable))
    (i64.load (i32.const 0))))
