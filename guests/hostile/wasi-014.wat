;; wasi-014: creates 50 000 empty files, closing each.
;; Must answer: exited 0, with the violation `files`: refused at 1 000 or before. The guest exits 1 when it got more,
;; 9 when it got none.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "f00000")
  ;; Writes the number's five digits into the name.
  (func $name (param $number i32) (local $at i32)
    (local.set $at (i32.const 1029))
    (loop $digit
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $digit (i32.gt_u (local.get $at) (i32.const 1024)))))
  (func (export "_start") (local $made i32)
    (block $refused
      (loop $again
        (call $name (local.get $made))
        (br_if $refused
          (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 6) (i32.const 5)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $close (i32.load (i32.const 0))))
        (local.set $made (i32.add (local.get $made) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $made) (i32.const 50000)))))
    (if (i32.gt_u (local.get $made) (i32.const 1000)) (then (call $exit (i32.const 1))))
    (if (i32.eqz (local.get $made)) (then (call $exit (i32.const 9))))))
