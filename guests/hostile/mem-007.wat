;; mem-007: grows a table, then a memory, by 2^32-1.
;; Must answer: exited 0: each growth returns -1 and changes nothing. The guest exits with the number of what went wrong.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (func (export "_start")
    (if (i32.ne (table.grow $t (ref.null func) (i32.const -1)) (i32.const -1)) (then (call $exit (i32.const 1))))
    (if (i32.ne (table.size $t) (i32.const 1)) (then (call $exit (i32.const 2))))
    (if (i32.ne (memory.grow (i32.const -1)) (i32.const -1)) (then (call $exit (i32.const 3))))
    (if (i32.ne (memory.size) (i32.const 1)) (then (call $exit (i32.const 4))))))
