;; wasi-017: fd_readdir with made-up cookies, no room, hardly any room, and buffers outside the memory.
;; Must answer: exited 0: an errno, or an answer no longer than its buffer. The guest exits with the number of what went wrong.
(module
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $fails (param $errno i32) (param $code i32)
    (if (i32.eqz (local.get $errno)) (then (call $exit (local.get $code)))))
  ;; Reads into a buffer of `len` bytes at 1024: whatever the errno, nothing is written past it.
  (func $bounded (param $len i32) (param $cookie i64) (param $code i32)
    (i32.store (i32.const 0) (i32.const 0))
    (memory.fill (i32.const 1024) (i32.const 0xee) (i32.const 8192))
    (if (i32.eqz (call $readdir (i32.const 3) (i32.const 1024) (local.get $len) (local.get $cookie) (i32.const 0)))
      (then
        (if (i32.gt_u (i32.load (i32.const 0)) (local.get $len)) (then (call $exit (local.get $code))))))
    (if (i32.ne (i32.load8_u (i32.add (i32.const 1024) (local.get $len))) (i32.const 0xee))
      (then (call $exit (local.get $code)))))
  (func (export "_start") (local $cookie i64) (local $left i32)
    ;; Properly, entry by entry: each names the cookie of the next, and the walk ends.
    (local.set $left (i32.const 1000))
    (block $end
      (loop $next
        (if (call $readdir (i32.const 3) (i32.const 1024) (i32.const 4096) (local.get $cookie) (i32.const 0))
          (then (call $exit (i32.const 100))))
        (br_if $end (i32.lt_u (i32.load (i32.const 0)) (i32.const 24)))
        (local.set $cookie (i64.load (i32.const 1024)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (call $exit (i32.const 101)))
    (if (i32.eq (local.get $left) (i32.const 1000)) (then (call $exit (i32.const 102))))  ;; it saw nothing
    (call $bounded (i32.const 4096) (i64.const -1) (i32.const 1))
    (call $bounded (i32.const 4096) (i64.const 0x8000000000000000) (i32.const 2))
    (call $bounded (i32.const 4096) (i64.const 0x100000000) (i32.const 3))
    (call $bounded (i32.const 4096) (i64.const 123456789) (i32.const 4))
    (call $bounded (i32.const 0) (i64.const 0) (i32.const 5))
    (call $bounded (i32.const 1) (i64.const 0) (i32.const 6))
    (call $bounded (i32.const 23) (i64.const 0) (i32.const 7))
    (call $bounded (i32.const 25) (i64.const 1) (i32.const 8))
    (call $fails (call $readdir (i32.const 3) (i32.const 65530) (i32.const -1) (i64.const 0) (i32.const 0)) (i32.const 9))
    (call $fails (call $readdir (i32.const 3) (i32.const -16) (i32.const 32) (i64.const 0) (i32.const 0)) (i32.const 10))
    (call $fails (call $readdir (i32.const 3) (i32.const 1024) (i32.const 64) (i64.const 0) (i32.const 65533)) (i32.const 11))
    (call $fails (call $readdir (i32.const 1) (i32.const 1024) (i32.const 64) (i64.const 0) (i32.const 0)) (i32.const 12))
    (call $fails (call $readdir (i32.const -1) (i32.const 1024) (i32.const 64) (i64.const 0) (i32.const 0)) (i32.const 13))))
