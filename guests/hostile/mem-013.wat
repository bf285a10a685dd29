;; mem-013: keeps 96 MiB of garbage-collected arrays alive in a list, outside any linear memory.
;; Must answer: limit-exceeded memory; without the features rejected unsupported-feature.
(module
  (type $bytes (array (mut i8)))
  (type $cell (struct (field (ref $bytes)) (field (ref null $cell))))
  (global $list (mut (ref null $cell)) (ref.null $cell))
  (func (export "run") (local $left i32)
    (local.set $left (i32.const 1536))
    (loop $again
      (global.set $list
        (struct.new $cell (array.new_default $bytes (i32.const 65536)) (global.get $list)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
