;; cmp-013-stdin: waits for input that never comes.
;; Must answer: limit-exceeded, wall-time.
(module
  (import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $read (call $stdin) (i64.const 16) (i32.const 0))
    (i32.const 0)))
