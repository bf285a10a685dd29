;; wasi-027: opens `race/secret.txt` 20 000 times, while somebody outside swaps `race` between a directory, whose file begins
;; with `i`, and a symbolic link to a directory outside, whose file does not.
;; Must answer: exited 0. The guest exits 1 when it read a byte from outside, 2 when it never read one from inside.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "race/secret.txt")
  (data (i32.const 16) "\00\08\00\00\01\00\00\00") ;; one buffer: 2048, 1 byte
  (func (export "_start") (local $left i32) (local $inside i32)
    (local.set $left (i32.const 20000))
    (loop $again
      (if (i32.eqz
            (call $open (i32.const 3) (i32.const 1) (i32.const 1024) (i32.const 15) (i32.const 0)
              (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
        (then
          (if (i32.eqz (call $read (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 32)))
            (then
              (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 105)) (then (call $exit (i32.const 1))))
              (local.set $inside (i32.const 1))))
          (drop (call $close (i32.load (i32.const 0))))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (if (i32.eqz (local.get $inside)) (then (call $exit (i32.const 2))))))
