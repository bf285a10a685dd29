;; host-007: logs 4 096 messages of 1 KiB.
;; Must answer: limit-exceeded log-bytes.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "run") (local $left i32)
    (memory.fill (i32.const 0) (i32.const 120) (i32.const 1024))
    (local.set $left (i32.const 4096))
    (loop $again
      (call $log (i32.const 0) (i32.const 1024))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
