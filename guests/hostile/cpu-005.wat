;; cpu-005: loops in `_initialize`, which the host calls on its own account.
;; Must answer: limit-exceeded wall-time.
(module
  (func (export "_initialize") (loop $again (br $again)))
  (func (export "run")))
