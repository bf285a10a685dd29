;; cpu-001: loops for ever, with fuel as the only bound.
;; Must answer: limit-exceeded fuel.
(module
  (func (export "run") (loop $again (br $again))))
