;; cmp-005: the host asks the guest for memory to put a result into, and the guest never answers.
;; Must answer: limit-exceeded, fuel.
(module
  (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (loop $forever (br $forever)) (unreachable))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $arguments (i32.const 0))
    (i32.const 0)))
