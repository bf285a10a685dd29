;; cpu-010: fills 32 MiB, for ever: most of the time passes inside single instructions.
;; Must answer: limit-exceeded wall-time.
(module
  (memory 512)
  (func (export "run")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 0x5a) (i32.const 0x2000000))
      (br $again))))
