;; host-008: logs invalid UTF-8, escape sequences, line ends and a forged line.
;; Must answer: exited 0, with one log line that shows all of it escaped.
(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\ff\fe\c0\af\1b[2J\1b]0;owned\07\r\n2026-01-01T00:00:00Z ERROR ambit: forged line\n\e2\80\ae\00\9b31m")
  (func (export "run") (call $log (i32.const 0) (i32.const 74))))
