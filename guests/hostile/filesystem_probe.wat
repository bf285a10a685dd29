;; A task that looks for a directory to leave: it opens the password file on descriptors 3 to 10, by three names.
;; Must answer: exited 0 with the result 0. `execute_task` returns 1 when something opened; `check` traps then.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "../etc/passwd") ;; `etc/passwd` and `/etc/passwd` are its tails
  (func $opens (param $fd i32) (param $path i32) (param $len i32) (result i32)
    (i32.eqz
      (call $open (local.get $fd) (i32.const 1) (local.get $path) (local.get $len) (i32.const 0)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))))
  (func $task (export "execute_task") (result i32) (local $fd i32) (local $opened i32)
    (local.set $fd (i32.const 3))
    (loop $each
      (local.set $opened
        (i32.or (local.get $opened)
          (i32.or (call $opens (local.get $fd) (i32.const 1026) (i32.const 11))
            (i32.or (call $opens (local.get $fd) (i32.const 1027) (i32.const 10))
              (call $opens (local.get $fd) (i32.const 1024) (i32.const 13))))))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $each (i32.le_u (local.get $fd) (i32.const 10))))
    (local.get $opened))
  (func (export "check") (if (call $task) (then unreachable))))
