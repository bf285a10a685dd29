;; cmp-011: asks for 4 GiB of random numbers in one call.
;; Must answer: trapped; a kilobyte before it is given.
(module
  (import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $random (i64.const 1024) (i32.const 0))
    (if (i32.ne (i32.load (i32.const 4)) (i32.const 1024)) (then (return (i32.const 1))))
    (call $random (i64.const 0x100000000) (i32.const 0))
    (i32.const 0)))
