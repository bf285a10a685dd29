;; wasi-015: writes one file of 64 MiB.
;; Must answer: exited 0, with the violation `file-size`: refused at 16 MiB or before. The guest exits 1 when it got more,
;; 9 when it could write nothing.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "big")
  (func (export "_start") (local $written i32)
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 3) (i32.const 1)
          (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0))
      (then (call $exit (i32.const 9))))
    (i32.store (i32.const 16) (i32.const 65536))
    (i32.store (i32.const 20) (i32.const 65536))
    (block $refused
      (loop $again
        (br_if $refused (call $write (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 32)))
        (br_if $refused (i32.eqz (i32.load (i32.const 32))))
        (local.set $written (i32.add (local.get $written) (i32.load (i32.const 32))))
        (br_if $again (i32.lt_u (local.get $written) (i32.const 0x4000000)))))
    (if (i32.gt_u (local.get $written) (i32.const 0x1000000)) (then (call $exit (i32.const 1))))
    (if (i32.eqz (local.get $written)) (then (call $exit (i32.const 9))))))
