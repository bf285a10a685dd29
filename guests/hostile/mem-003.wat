;; mem-003: declares a memory of 4 GiB, all that 32 bits address.
;; Must answer: limit-exceeded memory, before any of it exists.
(module
  (memory 65536)
  (func (export "run")))
