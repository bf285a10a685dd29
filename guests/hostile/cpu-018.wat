;; cpu-018: waits on shared memory for a notification that nobody sends.
;; Must answer: rejected unsupported-feature: threads are never granted.
(module
  (memory 1 1 shared)
  (func (export "run")
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))
