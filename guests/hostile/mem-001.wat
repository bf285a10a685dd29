;; mem-001: grows its memory towards 128 MiB a page at a time and traps when refused.
;; Must answer: limit-exceeded memory.
(module
  (memory 1)
  (func (export "run")
    (loop $again
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
      (br_if $again (i32.lt_u (memory.size) (i32.const 2048))))))
