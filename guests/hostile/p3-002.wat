;; p3-002: 100 000 sets of things to wait for.
;; Must answer: limit-exceeded, handles.
(component
  (core func $new (canon waitable-set.new))
  (core module $m
    (import "" "new" (func $new (result i32)))
    (func (export "run") (result i32) (local $left i32)
      (local.set $left (i32.const 100000))
      (loop $again
        (drop (call $new))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))
