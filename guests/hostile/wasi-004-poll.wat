;; wasi-004-poll: waits in poll_oneoff for a standard input that stays open and never says anything.
;; Must answer: limit-exceeded wall-time. The guest exits 1 when the poll returned.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store8 (i32.const 8) (i32.const 1))  ;; fd_read, of fd 0
    (drop (call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 2048)))
    (call $exit (i32.const 1))))
