;; mem-010: declares a 64-bit table that no address space holds: 2^48 elements.
;; Must answer: limit-exceeded table-elements; without the feature rejected unsupported-feature.
(module
  (table i64 0x1000000000000 funcref)
  (func (export "run")))
