;; imp-002: import names that are escape sequences, markup, a forged log line and a path.
;; Must answer: rejected import-denied, with the names escaped and capped.
(module
  (import "env\1b[2J\1b[31m" "log\r\n2026-01-01T00:00:00Z ERROR ambit: forged line" (func))
  (import "<script>alert(1)</script>" "\22,\22outcome\22:{\22kind\22:\22exited\22}}" (func))
  (import "../../../../lib/x86_64-linux-gnu/libc.so.6" "system" (func (param i32) (result i32)))
  (import "" "\00\e2\80\ae" (func))
  (func (export "run")))
