;; cpu-014: table.fill, table.copy and table.init over 90 000 elements, for ever; one export each.
;; Must answer: limit-exceeded wall-time.
(module
  (table $t 90000 funcref)
  (elem $e func $f $f $f $f $f $f $f $f)
  (func $f)
  (func (export "fill")
    (loop $again
      (table.fill $t (i32.const 0) (ref.func $f) (i32.const 90000))
      (br $again)))
  (func (export "copy")
    (loop $again
      (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 89999))
      (br $again)))
  (func (export "init")
    (loop $again
      (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 8))
      (br $again))))
