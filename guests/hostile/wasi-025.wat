;; wasi-025: paths that are no strings: invalid UTF-8, outside the memory, 1 MiB long, 16 000 directories deep.
;; Must answer: exited 0: an errno each. The guest exits with the number of the path that worked, or 100 when a proper one does not.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 18)
  (data (i32.const 1024) "hello.txt")
  (data (i32.const 1040) "\ff\fe" "\c0\ae\c0\ae" "\ed\a0\80" "\f5\80\80\80" "a\80b")
  (func $open_read (param $path i32) (param $len i32) (result i32)
    (call $open (i32.const 3) (i32.const 1) (local.get $path) (local.get $len) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
  ;; Neither to be opened nor to be made.
  (func $refused (param $path i32) (param $len i32) (param $code i32)
    (if (i32.eqz (call $open_read (local.get $path) (local.get $len))) (then (call $exit (local.get $code))))
    (if (i32.eqz (call $mkdir (i32.const 3) (local.get $path) (local.get $len))) (then (call $exit (local.get $code)))))
  (func (export "_start") (local $at i32)
    (if (call $open_read (i32.const 1024) (i32.const 9)) (then (call $exit (i32.const 100))))
    (call $refused (i32.const 1040) (i32.const 2) (i32.const 1))   ;; no UTF-8 at all
    (call $refused (i32.const 1042) (i32.const 4) (i32.const 2))   ;; .. in over-long form
    (call $refused (i32.const 1046) (i32.const 3) (i32.const 3))   ;; half a surrogate pair
    (call $refused (i32.const 1049) (i32.const 4) (i32.const 4))   ;; past the last code point
    (call $refused (i32.const 1053) (i32.const 3) (i32.const 5))   ;; a stray continuation
    (call $refused (i32.const -1) (i32.const 1) (i32.const 6))
    (call $refused (i32.const 0x11ffff) (i32.const 2) (i32.const 7))
    (call $refused (i32.const 1024) (i32.const -1) (i32.const 8))
    (call $refused (i32.const 0xfffffff0) (i32.const 0x20) (i32.const 9))
    (memory.fill (i32.const 0x10000) (i32.const 97) (i32.const 0x100000))
    (call $refused (i32.const 0x10000) (i32.const 0x100000) (i32.const 10))
    (call $refused (i32.const 0x10000) (i32.const 256) (i32.const 11))  ;; one name longer than 255
    (local.set $at (i32.const 0x10000))
    (loop $each
      (i32.store16 (local.get $at) (i32.const 0x2f61)) ;; "a/"
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (br_if $each (i32.lt_u (local.get $at) (i32.const 0x17d00))))
    (call $refused (i32.const 0x10000) (i32.const 32000) (i32.const 12))))
