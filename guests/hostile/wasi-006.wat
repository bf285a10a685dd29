;; wasi-006: asks for 48 MiB of random bytes, for ever.
;; Must answer: limit-exceeded wall-time.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 768)
  (func (export "_start")
    (loop $again
      (drop (call $random (i32.const 0) (i32.const 0x3000000)))
      (br $again))))
