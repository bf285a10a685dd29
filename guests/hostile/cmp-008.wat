;; cmp-008: a list of 1 500 000 handles, all of them the same one: 6 MiB of the guest's, four times as much of the host's.
;; Must answer: limit-exceeded, host-buffers.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
  (memory (export "memory") 200)
  (global $free (mut i32) (i32.const 0x00620000))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free) (global.set $free (i32.add (global.get $free) (local.get 3))))
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (local $one i32) (local $at i32)
    (local.set $one (call $subscribe (i64.const 0)))
    (local.set $at (i32.const 6000000))
    (loop $fill
      (local.set $at (i32.sub (local.get $at) (i32.const 4)))
      (i32.store offset=64 (local.get $at) (local.get $one))
      (br_if $fill (local.get $at)))
    (call $poll (i32.const 64) (i32.const 1500000) (i32.const 0))
    (i32.const 0)))
