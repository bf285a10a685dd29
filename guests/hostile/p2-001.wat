;; p2-001: sets a file's times to the largest numbers that there are.
;; Must answer: exited 0: the error is `overflow`, and times that are some are set.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.set-times"
    (func $times (param i32 i32 i64 i32 i32 i64 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "hello.txt")
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))
  (func $overflows (result i32)
    (i32.and (i32.eq (i32.load8_u (i32.const 0)) (i32.const 1)) (i32.eq (i32.load8_u (i32.const 1)) (i32.const 30))))
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (local $file i32)
    (call $directories (i32.const 0))
    (call $open (i32.load (i32.load (i32.const 0))) (i32.const 0) (i32.const 64) (i32.const 9)
      (i32.const 0) (i32.const 3) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 1))))
    (local.set $file (i32.load (i32.const 4)))
    (call $times (local.get $file) (i32.const 2) (i64.const 1000000000) (i32.const 999999999) (i32.const 1)
      (i64.const 0) (i32.const 0) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (return (i32.const 1))))
    (call $times (local.get $file) (i32.const 2) (i64.const -1) (i32.const -1) (i32.const 0)
      (i64.const 0) (i32.const 0) (i32.const 0))
    (if (i32.eqz (call $overflows)) (then (return (i32.const 1))))
    ;; Nanoseconds that the kernel would take for `now`.
    (call $times (local.get $file) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 2)
      (i64.const 0) (i32.const 0x3fffffff) (i32.const 0))
    (i32.eqz (call $overflows))))
