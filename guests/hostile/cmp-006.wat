;; cmp-006: the host asks the guest for memory to put a result into, and gets an address outside of it.
;; Must answer: trapped.
(module
  (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 0xfffff000))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $arguments (i32.const 0))
    (i32.const 0)))
