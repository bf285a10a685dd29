;; mem-004: grows its memory towards 128 MiB and writes to every page of 4 KiB, so that all of it becomes resident.
;; Must answer: exited 0, with the worker's memory under the limit. The guest exits 1 when it got all it asked for.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $at i32)
    (block $refused
      (loop $again
        (br_if $refused (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
        (loop $dirty
          (i32.store (local.get $at) (i32.const -1))
          (local.set $at (i32.add (local.get $at) (i32.const 4096)))
          (br_if $dirty (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
        (br_if $again (i32.lt_u (memory.size) (i32.const 2048))))
      (call $exit (i32.const 1)))))
