;; A task that takes 256 MiB, 1 MiB at a time, and writes to every 4 KiB of it; it cannot go on when refused.
;; Must answer: limit-exceeded memory. Returns 0 when it got all it asked for.
(module
  (memory (export "memory") 1)
  (func (export "execute_task") (result i32) (local $at i32)
    (loop $again
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (loop $touch
        (i32.store (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $touch (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
      (br_if $again (i32.lt_u (memory.size) (i32.const 4096))))
    (i32.const 0)))
