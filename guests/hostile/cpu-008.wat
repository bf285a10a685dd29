;; cpu-008: recursion by call_indirect, each frame with 64 values alive across the call: few calls, much stack.
;; Must answer: limit-exceeded stack.
(module
  (type $step (func (param i32) (result i64)))
  (memory 1)
  (table funcref (elem $fat))
  (func $fat (type $step) (param $n i32) (result i64)
    (if (i32.eqz (local.get $n)) (then (return (i64.const 0))))
    ;; 64 words wait on the operand stack for the call to return.
    (i64.load offset=0 (local.get $n)) (i64.load offset=8 (local.get $n)) (i64.load offset=16 (local.get $n)) (i64.load offset=24 (local.get $n))
    (i64.load offset=32 (local.get $n)) (i64.load offset=40 (local.get $n)) (i64.load offset=48 (local.get $n)) (i64.load offset=56 (local.get $n))
    (i64.load offset=64 (local.get $n)) (i64.load offset=72 (local.get $n)) (i64.load offset=80 (local.get $n)) (i64.load offset=88 (local.get $n))
    (i64.load offset=96 (local.get $n)) (i64.load offset=104 (local.get $n)) (i64.load offset=112 (local.get $n)) (i64.load offset=120 (local.get $n))
    (i64.load offset=128 (local.get $n)) (i64.load offset=136 (local.get $n)) (i64.load offset=144 (local.get $n)) (i64.load offset=152 (local.get $n))
    (i64.load offset=160 (local.get $n)) (i64.load offset=168 (local.get $n)) (i64.load offset=176 (local.get $n)) (i64.load offset=184 (local.get $n))
    (i64.load offset=192 (local.get $n)) (i64.load offset=200 (local.get $n)) (i64.load offset=208 (local.get $n)) (i64.load offset=216 (local.get $n))
    (i64.load offset=224 (local.get $n)) (i64.load offset=232 (local.get $n)) (i64.load offset=240 (local.get $n)) (i64.load offset=248 (local.get $n))
    (i64.load offset=256 (local.get $n)) (i64.load offset=264 (local.get $n)) (i64.load offset=272 (local.get $n)) (i64.load offset=280 (local.get $n))
    (i64.load offset=288 (local.get $n)) (i64.load offset=296 (local.get $n)) (i64.load offset=304 (local.get $n)) (i64.load offset=312 (local.get $n))
    (i64.load offset=320 (local.get $n)) (i64.load offset=328 (local.get $n)) (i64.load offset=336 (local.get $n)) (i64.load offset=344 (local.get $n))
    (i64.load offset=352 (local.get $n)) (i64.load offset=360 (local.get $n)) (i64.load offset=368 (local.get $n)) (i64.load offset=376 (local.get $n))
    (i64.load offset=384 (local.get $n)) (i64.load offset=392 (local.get $n)) (i64.load offset=400 (local.get $n)) (i64.load offset=408 (local.get $n))
    (i64.load offset=416 (local.get $n)) (i64.load offset=424 (local.get $n)) (i64.load offset=432 (local.get $n)) (i64.load offset=440 (local.get $n))
    (i64.load offset=448 (local.get $n)) (i64.load offset=456 (local.get $n)) (i64.load offset=464 (local.get $n)) (i64.load offset=472 (local.get $n))
    (i64.load offset=480 (local.get $n)) (i64.load offset=488 (local.get $n)) (i64.load offset=496 (local.get $n)) (i64.load offset=504 (local.get $n))
    (call_indirect (type $step) (i32.sub (local.get $n) (i32.const 1)) (i32.const 0))
    i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add
    i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add
    i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add
    i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add
  )
  ;; 6 000 frames of 512 bytes or more.
  (func (export "run") (drop (call $fat (i32.const 6000)))))
