;; mem-020-b: reads 16 MiB of memory and 1 000 table elements that it never wrote; same shape as mem-020-a, no data segments.
;; Must answer: exited 0. The guest exits 1 when a byte is not zero, 2 when an element is not null.
;; With anything in its environment it plants the canary itself first: proof that it would be seen.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
  (memory (export "memory") 128 256)
  (table $t 1000 funcref)
  (func (export "_start") (local $at i32) (local $plant i32)
    (drop (memory.grow (i32.const 128)))
    (drop (call $environ_sizes (i32.const 0) (i32.const 4)))
    (local.set $plant (i32.load (i32.const 0)))
    (i64.store (i32.const 0) (i64.const 0))
    (if (local.get $plant) (then (i32.store8 (i32.const 0xfffff0) (i32.const 0xca))))
    (loop $scan
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (call $exit (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $scan (i32.lt_u (local.get $at) (i32.const 0x1000000))))
    (local.set $at (i32.const 1000))
    (loop $scan
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (if (i32.eqz (ref.is_null (table.get $t (local.get $at)))) (then (call $exit (i32.const 2))))
      (br_if $scan (local.get $at)))))
