;; mem-009: growths whose size in bytes, or whose new size in pages, overflows 32 bits when multiplied or added carelessly.
;; Must answer: exited 0: each returns -1. The guest exits with the number of what went wrong.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (func $refused (param $got i32) (param $code i32)
    (if (i32.ne (local.get $got) (i32.const -1)) (then (call $exit (local.get $code)))))
  (func (export "_start")
    (call $refused (memory.grow (i32.const 0x10000)) (i32.const 1))      ;; 2^16 pages = 2^32 bytes = 0
    (call $refused (memory.grow (i32.const 0xffff)) (i32.const 2))       ;; 1 + 2^16-1 pages = 4 GiB
    (call $refused (memory.grow (i32.const 0x7fffffff)) (i32.const 3))
    (call $refused (memory.grow (i32.const 0x80000000)) (i32.const 4))
    (call $refused (table.grow $t (ref.null func) (i32.const 0x20000000)) (i32.const 5)) ;; x 8 B = 2^32 = 0
    (call $refused (table.grow $t (ref.null func) (i32.const 0x80000000)) (i32.const 6))
    (if (i32.ne (memory.size) (i32.const 1)) (then (call $exit (i32.const 7))))
    (if (i32.ne (table.size $t) (i32.const 1)) (then (call $exit (i32.const 8))))))
