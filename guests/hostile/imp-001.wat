;; imp-001: imports functions and a module that no host offers.
;; Must answer: rejected import-denied, naming them.
(module
  (import "env" "exec" (func (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_exec" (func (param i32)))
  (import "kernel" "syscall" (func (param i64) (result i64)))
  (func (export "run")))
