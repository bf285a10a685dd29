;; cpu-011: fills 512 MiB in sixteen instructions, to pay for sixteen.
;; Must answer: limit-exceeded fuel, because bulk operations cost by length.
(module
  (memory 512)
  (func (export "run") (local $left i32)
    (local.set $left (i32.const 16))
    (loop $again
      (memory.fill (i32.const 0) (i32.const 0x5a) (i32.const 0x2000000))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
