;; cmp-007: hands the host text that lies outside its memory.
;; Must answer: trapped.
(module
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $write (call $stdout) (i32.const 0xfff0) (i32.const 64) (i32.const 0))
    (i32.const 0)))
