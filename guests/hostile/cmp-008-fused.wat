;; cmp-008-fused: one component hands another a list of 1 000 lists, all of them the same 1 000 texts, each the same kilobyte:
;; a gigabyte out of ten kilobytes.
;; Must answer: trapped: the component that gets it has no room for it.
(component
  (component $taker
    (core module $m
      (memory (export "memory") 1)
      (global $free (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
        (global.set $free (i32.add (local.get $at) (local.get 3)))
        (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
          (then (drop (memory.grow (i32.const 64)))))
        (local.get $at))
      (func (export "take") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "take") (param "lists" (list (list string)))
      (canon lift (core func $i "take") (memory $i "memory") (realloc (func $i "realloc")))))
  (component $giver
    (import "take" (func $give (param "lists" (list (list string)))))
    (core module $memory (memory (export "memory") 1))
    (core instance $memory (instantiate $memory))
    (core func $take (canon lower (func $give) (memory $memory "memory")))
    (core module $m
      (import "" "memory" (memory 1))
      (import "" "take" (func $take (param i32 i32)))
      (func $pairs (param $at i32) (param $ptr i32) (param $len i32) (local $left i32)
        (local.set $left (i32.const 1000))
        (loop $again
          (i32.store (local.get $at) (local.get $ptr))
          (i32.store offset=4 (local.get $at) (local.get $len))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
      (func (export "run") (result i32)
        (memory.fill (i32.const 0) (i32.const 97) (i32.const 1024))
        (call $pairs (i32.const 8192) (i32.const 0) (i32.const 1024))
        (call $pairs (i32.const 32768) (i32.const 8192) (i32.const 1000))
        (call $take (i32.const 32768) (i32.const 1000))
        (i32.const 0)))
    (core instance $i (instantiate $m (with "" (instance
      (export "memory" (memory $memory "memory")) (export "take" (func $take))))))
    (func (export "run") (result (result)) (canon lift (core func $i "run"))))
  (instance $taker (instantiate $taker))
  (instance $giver (instantiate $giver (with "take" (func $taker "take"))))
  (instance (export "wasi:cli/run@0.2.0") (export "run" (func $giver "run"))))
