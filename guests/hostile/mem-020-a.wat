;; mem-020-a: fills 16 MiB of memory and 1 000 table elements with a canary and leaves them to whoever comes next.
;; Must answer: exited 0. Run just before mem-020-b, which looks for the canary.
(module
  (memory (export "memory") 128 256)
  (table $t 1000 funcref)
  (elem declare func $canary)
  (func $canary)
  (func (export "_start")
    (drop (memory.grow (i32.const 128)))
    (memory.fill (i32.const 0) (i32.const 0xca) (i32.const 0x1000000))
    (table.fill $t (i32.const 0) (ref.func $canary) (i32.const 1000))))
