;; cpu-004: two million rounds in the start section: work done before the host calls anything.
;; Must answer: limit-exceeded fuel.
(module
  (func $start (local $left i32)
    (local.set $left (i32.const 2000000))
    (loop $again
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (start $start)
  (func (export "run")))
