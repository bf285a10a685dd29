;; wasi-016-disk: ten files of 1 MiB, each allowed by itself, where 4 MiB are allowed in all.
;; Must answer: exited 0, with the violation `disk`. The guest exits 1 when it got more than 4 MiB, 9 when it got none.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "disk0")
  (func (export "_start") (local $written i32)
    (i32.store (i32.const 16) (i32.const 65536))
    (block $refused
      (loop $file
        (br_if $refused
          (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 5) (i32.const 5)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0)))
        (i32.store8 (i32.const 1028) (i32.add (i32.load8_u (i32.const 1028)) (i32.const 1)))
        (loop $again
          ;; A buffer ends where the file does, also after a short write.
          (i32.store (i32.const 20)
            (i32.sub (i32.const 65536) (i32.and (local.get $written) (i32.const 0xffff))))
          (br_if $refused (call $write (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 32)))
          (br_if $refused (i32.eqz (i32.load (i32.const 32))))
          (local.set $written (i32.add (local.get $written) (i32.load (i32.const 32))))
          (br_if $again (i32.and (local.get $written) (i32.const 0xfffff))))
        (br_if $file (i32.lt_u (local.get $written) (i32.const 0xa00000)))))
    (if (i32.gt_u (local.get $written) (i32.const 0x400000)) (then (call $exit (i32.const 1))))
    (if (i32.eqz (local.get $written)) (then (call $exit (i32.const 9))))))
