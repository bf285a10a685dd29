;; mem-009-64: the same in 64 bits: 2^48 pages are 2^64 bytes, which is 0.
;; Must answer: exited 0: each growth returns -1; without the feature rejected unsupported-feature.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") i64 1)
  (func $refused (param $got i64) (param $code i32)
    (if (i64.ne (local.get $got) (i64.const -1)) (then (call $exit (local.get $code)))))
  (func (export "_start")
    (call $refused (memory.grow (i64.const 0x1000000000000)) (i32.const 1))
    (call $refused (memory.grow (i64.const 0xffffffffffff)) (i32.const 2))
    (call $refused (memory.grow (i64.const 0x8000000000000000)) (i32.const 3))
    (call $refused (memory.grow (i64.const -1)) (i32.const 4))
    (if (i64.ne (memory.size) (i64.const 1)) (then (call $exit (i32.const 5))))))
