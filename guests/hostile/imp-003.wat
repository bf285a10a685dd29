;; imp-003: imports that exist, with other types: a host that trusts them reads arguments that are not there.
;; Must answer: rejected import-denied.
(module
  (import "env" "log" (func (param i64 i64 i64) (result i64)))
  (import "wasi_snapshot_preview1" "fd_write" (func (param i64) (result i64)))
  (func (export "run")))
