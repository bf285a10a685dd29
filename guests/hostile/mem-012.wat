;; mem-012: grows a shared memory, which an engine's limiter is not asked about.
;; Must answer: rejected unsupported-feature: threads are never granted.
(module
  (memory 1 65536 shared)
  (func (export "run") (drop (memory.grow (i32.const 65535)))))
