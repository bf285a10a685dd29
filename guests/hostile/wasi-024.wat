;; wasi-024: accepts, receives, sends and shuts down on descriptors 0 to 63 and a few wild ones, in case one is a socket.
;; Must answer: exited 0: an errno each. The guest exits with 4 x fd + the number of the call that worked.
(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $shutdown (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\00\04\00\00\10\00\00\00") ;; one buffer: 1024, 16 bytes
  (func $fails (param $errno i32) (param $fd i32) (param $call i32)
    (if (i32.eqz (local.get $errno))
      (then (call $exit (i32.add (i32.mul (local.get $fd) (i32.const 4)) (local.get $call))))))
  (func $try (param $fd i32)
    (call $fails (call $accept (local.get $fd) (i32.const 0) (i32.const 64)) (local.get $fd) (i32.const 1))
    (call $fails
      (call $recv (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64) (i32.const 68))
      (local.get $fd) (i32.const 2))
    (call $fails
      (call $send (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64)) (local.get $fd) (i32.const 3))
    (call $fails (call $shutdown (local.get $fd) (i32.const 3)) (local.get $fd) (i32.const 4)))
  (func (export "_start") (local $fd i32)
    (loop $each
      (call $try (local.get $fd))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $fd) (i32.const 64))))
    (call $try (i32.const 1023))
    (call $try (i32.const 0x7fffffff))
    (call $try (i32.const -1))))
