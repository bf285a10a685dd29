;; wasi-007: writes 2^20 buffers that are all the same 32 MiB: 32 TiB of output from 32 MiB of memory.
;; Must answer: limit-exceeded output. The guest stops after 4 MiB and exits 0; 3 when nothing can be written at all.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 512)
  (func (export "_start") (local $at i32) (local $count i32) (local $written i32)
    ;; Each buffer is (address 0, length 2^25).
    (loop $each
      (i64.store (local.get $at) (i64.const 0x200000000000000))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $each (i32.lt_u (local.get $at) (i32.const 0x800000))))
    (local.set $count (i32.const 0x100000))
    (loop $again
      (if (call $write (i32.const 1) (i32.const 0) (local.get $count) (i32.const 0x1fffffc))
        (then ;; Too many at once for this host? Then fewer.
          (local.set $count (i32.shr_u (local.get $count) (i32.const 1)))
          (if (i32.eqz (local.get $count)) (then (call $exit (i32.const 3))))
          (br $again)))
      (local.set $written (i32.add (local.get $written) (i32.load (i32.const 0x1fffffc))))
      (br_if $again (i32.lt_u (local.get $written) (i32.const 0x400000))))))
