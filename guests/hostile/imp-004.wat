;; imp-004: imports functions by name, but as a global, a memory and a table.
;; Must answer: rejected import-denied.
(module
  (import "env" "log" (global i32))
  (import "env" "time" (memory 1))
  (import "wasi_snapshot_preview1" "fd_write" (table 1 funcref))
  (func (export "run")))
