;; cpu-017: matches `(a|a)*b` against forty letters `a` by backtracking: 2^40 steps from a few bytes of input.
;; Must answer: limit-exceeded fuel.
(module
  (memory 1)
  (data (i32.const 0) "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
  (func $match (param $at i32) (result i32) (local $c i32)
    (local.set $c (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $c) (i32.const 98)) (then (return (i32.const 1))))
    (if (i32.ne (local.get $c) (i32.const 97)) (then (return (i32.const 0))))
    ;; Either side of the bar takes the letter.
    (if (call $match (i32.add (local.get $at) (i32.const 1))) (then (return (i32.const 1))))
    (call $match (i32.add (local.get $at) (i32.const 1))))
  (func (export "run") (drop (call $match (i32.const 0)))))
