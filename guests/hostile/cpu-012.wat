;; cpu-012: copies 16 MiB over itself, for ever.
;; Must answer: limit-exceeded wall-time.
(module
  (memory 512)
  (func (export "run")
    (loop $again
      (memory.copy (i32.const 0x1000000) (i32.const 0) (i32.const 0x1000000))
      (br $again))))
