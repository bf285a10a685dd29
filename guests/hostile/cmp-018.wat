;; cmp-018: while the host puts a result into the guest's memory, the guest calls the host again.
;; Must answer: trapped: a component may not be left there.
(module
  (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $now) (drop) (i32.const 1024))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $arguments (i32.const 0))
    (i32.const 0)))
