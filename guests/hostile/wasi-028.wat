;; wasi-028: reads a directory of a million entries to its end, 4 KiB at a time, and prints how many it saw.
;; Must answer: exited 0, the host holding no more than a page of it at a time. The guest exits 1 when reading failed.
(module
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $print (param $number i32) (local $at i32)
    (local.set $at (i32.const 127))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (br_if $digit (local.tee $number (i32.div_u (local.get $number) (i32.const 10)))))
    (i32.store (i32.const 16) (local.get $at))
    (i32.store (i32.const 20) (i32.sub (i32.const 128) (local.get $at)))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32))))
  (func (export "_start") (local $cookie i64) (local $seen i32) (local $at i32) (local $end i32)
    (loop $page
      (if (call $readdir (i32.const 3) (i32.const 1024) (i32.const 4096) (local.get $cookie) (i32.const 0))
        (then (call $exit (i32.const 1))))
      (local.set $at (i32.const 1024))
      (local.set $end (i32.add (i32.const 1024) (i32.load (i32.const 0))))
      ;; Each whole entry: 24 bytes and the name. The last may be cut, and is read again with the next page.
      (block $cut
        (loop $entry
          (br_if $cut (i32.gt_u (i32.add (local.get $at) (i32.const 24)) (local.get $end)))
          (br_if $cut
            (i32.gt_u
              (i32.add (local.get $at) (i32.add (i32.const 24) (i32.load offset=16 (local.get $at))))
              (local.get $end)))
          (local.set $cookie (i64.load (local.get $at)))
          (local.set $seen (i32.add (local.get $seen) (i32.const 1)))
          (local.set $at (i32.add (local.get $at) (i32.add (i32.const 24) (i32.load offset=16 (local.get $at)))))
          (br $entry)))
      (br_if $page (i32.eq (i32.load (i32.const 0)) (i32.const 4096))))
    (call $print (local.get $seen))))
