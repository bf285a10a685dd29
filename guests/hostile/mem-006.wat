;; mem-006: grows a table towards 200 000 elements, 1 000 at a time, and traps when refused.
;; Must answer: limit-exceeded table-elements.
(module
  (table $t 0 externref)
  (func (export "run")
    (loop $again
      (if (i32.eq (table.grow $t (ref.null extern) (i32.const 1000)) (i32.const -1)) (then unreachable))
      (br_if $again (i32.lt_u (table.size $t) (i32.const 200000))))))
