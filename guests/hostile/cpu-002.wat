;; cpu-002: loops for ever, with a deadline as the only bound.
;; Must answer: limit-exceeded wall-time, at the deadline.
(module
  (func (export "run") (loop $again (br $again))))
