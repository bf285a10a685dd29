;; host-001: logs a message whose address plus length overflows 32 bits.
;; Must answer: trapped host. The proper call before it works.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "proper")
  (func (export "run")
    (call $log (i32.const 0) (i32.const 6))
    (call $log (i32.const 0xfffffff0) (i32.const 0x20))))
