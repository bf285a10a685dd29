;; cmp-010: sets every bit of the flags of an open, also those that mean nothing.
;; Must answer: exited 0: bits that mean nothing mean nothing, and the file is opened.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "hello.txt")
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $directories (i32.const 0))
    ;; follow and read, of which the lowest bits tell.
    (call $open (i32.load (i32.load (i32.const 0))) (i32.const -1) (i32.const 64) (i32.const 9)
      (i32.const 0xfffffff0) (i32.const 0xffffffc1) (i32.const 16))
    (i32.load8_u (i32.const 16))))
