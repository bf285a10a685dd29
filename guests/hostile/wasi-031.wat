;; wasi-031: yields for ever: each round is a host call that does nothing.
;; Must answer: limit-exceeded fuel.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (loop $again (drop (call $yield)) (br $again))))
