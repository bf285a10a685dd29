;; mem-015: throws 5 000 exceptions, catches each by reference and keeps it in a table.
;; Must answer: limit-exceeded table-elements (2 000 are allowed here); without the feature rejected unsupported-feature.
(module
  (tag $tag (param i64))
  (table $hoard 0 exnref)
  (func (export "run") (local $left i32) (local $e exnref)
    (local.set $left (i32.const 5000))
    (loop $again
      (block $caught (result exnref)
        (try_table (catch_all_ref $caught) (throw $tag (i64.const 1)))
        unreachable)
      (local.set $e)
      (if (i32.eq (table.grow $hoard (local.get $e) (i32.const 1)) (i32.const -1)) (then unreachable))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
