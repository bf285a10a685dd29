;; A task that computes for ever.
;; Must answer: limit-exceeded wall-time, or cpu-time.
(module
  (func (export "execute_task") (result i32) (local $x i64)
    (loop $again
      (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
      (br $again))
    (i32.wrap_i64 (local.get $x))))
