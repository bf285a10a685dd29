;; p2-006: a stream keeps its file when the descriptor is gone: 1 000 files are opened, each kept by a stream alone.
;; Must answer: exited 0: from some file on the answer is `quota`, and that is recorded. 1 if all of them were opened.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.read-via-stream" (func $via (param i32 i64 i32)))
  (import "wasi:filesystem/types@0.2.0" "[resource-drop]descriptor" (func $drop (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "hello.txt")
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (local $dir i32) (local $left i32) (local $file i32)
    (call $directories (i32.const 0))
    (local.set $dir (i32.load (i32.load (i32.const 0))))
    (local.set $left (i32.const 1000))
    (loop $again
      (call $open (local.get $dir) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 0) (i32.const 1) (i32.const 0))
      (if (i32.load8_u (i32.const 0))
        (then (return (i32.or (i32.eq (local.get $left) (i32.const 1000)) (i32.ne (i32.load8_u (i32.const 4)) (i32.const 6))))))
      (local.set $file (i32.load (i32.const 4)))
      (call $via (local.get $file) (i64.const 0) (i32.const 0))
      (if (i32.load8_u (i32.const 0)) (then (return (i32.const 1))))
      (call $drop (local.get $file))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.const 1)))
