;; host-003: logs the last byte of its memory, which is proper, then one byte more.
;; Must answer: trapped host.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 65530) "proper")
  (func (export "run")
    (call $log (i32.const 65530) (i32.const 6))
    (call $log (i32.const 65536) (i32.const 0))
    (call $log (i32.const 65530) (i32.const 7))))
