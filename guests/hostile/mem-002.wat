;; mem-002: grows its memory towards 128 MiB and takes a refusal well: it goes on with what it has.
;; Must answer: exited 0. The guest exits 1 when it got all it asked for, 2 when memory is not what its size says.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (block $refused
      (loop $again
        (br_if $refused (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
        (br_if $again (i32.lt_u (memory.size) (i32.const 2048))))
      (call $exit (i32.const 1)))
    ;; The last word that should be there is there.
    (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 7))
    (call $exit
      (select (i32.const 0) (i32.const 2)
        (i32.eq (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4))) (i32.const 7))))))
