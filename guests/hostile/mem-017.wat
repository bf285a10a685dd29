;; mem-017: ten tables of 20 000 elements, each well under the limit.
;; Must answer: limit-exceeded table-elements: the limit is on the sum.
(module
  (table 20000 funcref) (table 20000 funcref) (table 20000 funcref) (table 20000 funcref) (table 20000 funcref)
  (table 20000 funcref) (table 20000 funcref) (table 20000 funcref) (table 20000 funcref) (table 20000 funcref)
  (func (export "run")))
