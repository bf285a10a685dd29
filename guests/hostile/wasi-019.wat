;; wasi-019: writes what a terminal obeys and what looks like a line of Ambit's own: clear screen, set title, query, colours,
;; carriage return, invalid UTF-8, right-to-left override; on both streams.
;; Must answer: exited 0. Standard output is the guest's data; wherever Ambit quotes it, it is escaped and capped.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\1b[2J\1b[H\1b]0;owned\07\1b[6n\1b[31m\0d\n2026-01-01T00:00:00Z ERROR ambit: forged line\n\ff\fe\c0\af\e2\80\ae\00\7f\9b31m\n")
  (data (i32.const 0) "\00\04\00\00\58\00\00\00") ;; one buffer: 1024, 88 bytes
  (func (export "_start")
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 1))))
    (if (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 2))))))
