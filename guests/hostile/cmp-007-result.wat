;; cmp-007-result: answers with the seventh of two cases.
;; Must answer: trapped.
(module
  (memory (export "memory") 1)
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (i32.const 7)))
