;; mem-014: asks for one array of 2^31 64-bit numbers, 16 GiB: more than an engine's heap can address, so that a limiter may
;; not even be asked. `quarter` asks for 256 MiB, which only a limit forbids.
;; Must answer: limit-exceeded memory; without the features rejected unsupported-feature.
(module
  (type $wide (array (mut i64)))
  (func (export "run") (drop (array.new_default $wide (i32.const 0x80000000))))
  (func (export "quarter") (drop (array.new_default $wide (i32.const 0x2000000)))))
