;; mem-005: declares a table of ten million elements, 80 MB on the host's side of the wall.
;; Must answer: limit-exceeded table-elements.
(module
  (table 10000000 funcref)
  (func (export "run")))
