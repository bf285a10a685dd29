;; cpu-015: calls a function that burns fuel through a typed reference, for ever: were the fuel burnt inside forgotten
;; at the return, as an engine once did, this would never end.
;; Must answer: limit-exceeded fuel; without the feature rejected unsupported-feature.
(module
  (type $work (func (param i32)))
  (elem declare func $burn)
  (func $burn (type $work) (param $left i32)
    (loop $again
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func (export "run")
    (loop $again
      (call_ref $work (i32.const 100) (ref.func $burn))
      (br $again))))
