;; out-002: returns what JSON has no number for: infinities and a NaN with a payload.
;; Must answer: exited 0, with results that a JSON reader can read.
(module
  (func (export "run") (result f32 f32 f64 f64 i64)
    (f32.const inf) (f32.const nan:0x200001) (f64.const -inf) (f64.const nan:0x8000000000001)
    (i64.const 0x8000000000000000)))
