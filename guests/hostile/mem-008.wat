;; mem-008: declares a 64-bit memory of 1 TiB.
;; Must answer: limit-exceeded memory; without the feature rejected unsupported-feature.
(module
  (memory i64 0x1000000)
  (func (export "run")))
