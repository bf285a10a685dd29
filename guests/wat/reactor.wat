;; A reactor: `_initialize` must have run, once, before `get` is called, which then returns 42.
(module
  (global $ready (mut i32) (i32.const 0))
  (func (export "_initialize")
    (global.set $ready (i32.add (global.get $ready) (i32.const 42))))
  (func (export "get") (result i32)
    (global.get $ready)))
