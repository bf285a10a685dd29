;; wasi-008: buffers, lists of buffers and results outside the memory, in fd_write, fd_read and fd_pread.
;; Must answer: exited 0: an errno each. The guest exits with the number of the call that worked, or 9x when a proper one does not.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "hello.txt")
  (func $fails (param $errno i32) (param $code i32)
    (if (i32.eqz (local.get $errno)) (then (call $exit (local.get $code)))))
  ;; Puts one buffer at address 0.
  (func $buffer (param $at i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $len)))
  (func $write1 (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
  (func (export "_start") (local $file i32)
    (call $buffer (i32.const 1024) (i32.const 1))
    (if (call $write1) (then (call $exit (i32.const 90))))
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 9) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32))
      (then (call $exit (i32.const 91))))
    (local.set $file (i32.load (i32.const 32)))

    ;; The list is outside, straddles the end, or is longer than memory.
    (call $fails (call $write (i32.const 1) (i32.const 0xfffffff8) (i32.const 1) (i32.const 64)) (i32.const 1))
    (call $fails (call $write (i32.const 1) (i32.const 65532) (i32.const 1) (i32.const 64)) (i32.const 2))
    (call $fails (call $write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 64)) (i32.const 3))
    (call $fails (call $write (i32.const 1) (i32.const 0) (i32.const 0x20000001) (i32.const 64)) (i32.const 4)) ;; x 8 = 8
    ;; A buffer goes past the end, or past 2^32.
    (call $buffer (i32.const 65535) (i32.const 2))
    (call $fails (call $write1) (i32.const 5))
    (call $fails (call $read (local.get $file) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 6))
    (call $fails (call $pread (local.get $file) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 64)) (i32.const 7))
    (call $buffer (i32.const 0xfffffff0) (i32.const 0x20))
    (call $fails (call $write1) (i32.const 8))
    (call $fails (call $read (local.get $file) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 9))
    ;; The result is outside.
    (call $buffer (i32.const 1024) (i32.const 1))
    (call $fails (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 65533)) (i32.const 10))
    (call $fails (call $read (local.get $file) (i32.const 0) (i32.const 1) (i32.const -1)) (i32.const 11))))
