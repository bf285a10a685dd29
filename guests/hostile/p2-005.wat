;; p2-005: lists one directory 1 000 times and closes none of the listings.
;; Must answer: exited 0: from some listing on the answer is `quota`, and that is recorded. 1 if all of them were given.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.read-directory" (func $list (param i32 i32)))
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (local $dir i32) (local $left i32)
    (call $directories (i32.const 0))
    (local.set $dir (i32.load (i32.load (i32.const 0))))
    (local.set $left (i32.const 1000))
    (loop $again
      (call $list (local.get $dir) (i32.const 0))
      (if (i32.load8_u (i32.const 0))
        (then (return (i32.or (i32.eq (local.get $left) (i32.const 1000)) (i32.ne (i32.load8_u (i32.const 4)) (i32.const 6))))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.const 1)))
