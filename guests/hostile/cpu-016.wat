;; cpu-016: calls a function that burns fuel and leaves by an exception, for ever: an abnormal return must bill too.
;; Must answer: limit-exceeded fuel; without the feature rejected unsupported-feature.
(module
  (tag $out)
  (func $burn (local $left i32)
    (local.set $left (i32.const 100))
    (loop $again
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (throw $out))
  (func (export "run")
    (loop $again
      (block $caught
        (try_table (catch $out $caught) (call $burn)))
      (br $again))))
