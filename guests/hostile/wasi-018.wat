;; wasi-018: floods standard output and standard error in turn with 4 MiB in all.
;; Must answer: limit-exceeded output: one limit for both. The guest exits 0 when all was taken, 3 when nothing is.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $written i32) (local $fd i32)
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
    (i32.store (i32.const 0) (i32.const 65536))
    (i32.store (i32.const 4) (i32.const 65536))
    (loop $again
      (local.set $fd (i32.xor (local.get $fd) (i32.const 1)))
      (if (call $write (i32.sub (i32.const 2) (local.get $fd)) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $exit (i32.const 3))))
      (local.set $written (i32.add (local.get $written) (i32.load (i32.const 8))))
      (br_if $again (i32.lt_u (local.get $written) (i32.const 0x400000))))))
