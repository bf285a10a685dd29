;; Reads outside its memory: a trap that arrives as a signal.
(module
  (memory (export "memory") 1)
  (func (export "_start") (drop (i32.load (i32.const -8)))))
