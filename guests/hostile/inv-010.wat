;; inv-010: a memory and a table whose least size is above their greatest.
;; Must answer: rejected invalid-module.
(module
  (memory 2 1)
  (table 20 10 funcref)
  (func (export "run")))
