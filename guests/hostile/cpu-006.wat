;; cpu-006: asks the time for ever: each round leaves the guest, so that no slice of it is long.
;; Must answer: limit-exceeded wall-time.
(module
  (import "env" "time" (func $time (result i64)))
  (memory (export "memory") 1)
  (func (export "run") (loop $again (drop (call $time)) (br $again))))
