;; cmp-017: loops in the function that is called when its result was taken.
;; Must answer: limit-exceeded, fuel.
(module
  (memory (export "memory") 1)
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (i32.const 0))
  (func (export "cabi_post_wasi:cli/run@0.2.0#run") (param i32) (loop $forever (br $forever))))
