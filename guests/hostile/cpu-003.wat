;; cpu-003: loops in the start section, before there is an instance to interrupt.
;; Must answer: limit-exceeded wall-time.
(module
  (func $start (loop $again (br $again)))
  (start $start)
  (func (export "run")))
