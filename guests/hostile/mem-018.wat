;; mem-018: grows four memories in turn, 24 MiB each: no single one comes near the limit. Traps when refused.
;; Must answer: limit-exceeded memory.
(module
  (memory $a 0) (memory $b 0) (memory $c 0) (memory $d 0)
  (func (export "run") (local $left i32)
    (local.set $left (i32.const 24))
    (loop $again
      (if (i32.eq (memory.grow $a (i32.const 16)) (i32.const -1)) (then unreachable))
      (if (i32.eq (memory.grow $b (i32.const 16)) (i32.const -1)) (then unreachable))
      (if (i32.eq (memory.grow $c (i32.const 16)) (i32.const -1)) (then unreachable))
      (if (i32.eq (memory.grow $d (i32.const 16)) (i32.const -1)) (then unreachable))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
