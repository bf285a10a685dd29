;; mem-016: eight memories of 16 MiB, each well under the limit.
;; Must answer: limit-exceeded memory: the limit is on the sum.
(module
  (memory 256) (memory 256) (memory 256) (memory 256)
  (memory 256) (memory 256) (memory 256) (memory 256)
  (func (export "run")))
