;; mem-017-count: eleven empty tables.
;; Must answer: limit-exceeded tables.
(module
  (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref)
  (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref)
  (func (export "run")))
