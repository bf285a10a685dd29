;; cpu-019: computes for a good tenth of a second, then traps: an engine that reads its fuel only after a good return bills nothing.
;; Must answer: trapped unreachable, with the CPU time in the usage.
(module
  (func (export "run") (local $left i32) (local $x i32)
    (local.set $left (i32.const 100000000))
    (loop $again
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (local.get $left)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    ;; The result is used, so that the loop stays.
    (if (i32.eq (local.get $x) (i32.const 0x12345)) (then (return)))
    unreachable))
