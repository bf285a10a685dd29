;; Sleeps, then waits for its input and reads it, writes it in two buffers at once, and says a line on its log.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "\00\04\00\00\08\00\00\00\08\04\00\00\08\00\00\00")
  (data (i32.const 96) "a line")
  (func $ok (param $errno i32) (if (local.get $errno) (then unreachable)))
  (func (export "_start")
    ;; A clock, 20 ms from now.
    (i32.store (i32.const 528) (i32.const 1))
    (i64.store (i32.const 536) (i64.const 20000000))
    (call $ok (call $poll (i32.const 512) (i32.const 1024) (i32.const 1) (i32.const 128)))
    ;; fd_read, of fd 0.
    (i64.store (i32.const 512) (i64.const 0))
    (i64.store (i32.const 528) (i64.const 0))
    (i32.store8 (i32.const 520) (i32.const 1))
    (call $ok (call $poll (i32.const 512) (i32.const 1024) (i32.const 1) (i32.const 128)))
    (call $ok (call $read (i32.const 0) (i32.const 64) (i32.const 2) (i32.const 128)))
    (if (i32.ne (i32.load (i32.const 128)) (i32.const 3)) (then unreachable))
    (call $ok (call $write (i32.const 1) (i32.const 64) (i32.const 2) (i32.const 128)))
    (call $log (i32.const 96) (i32.const 6))))
