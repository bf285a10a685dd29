;; mem-011: bulk operations whose address plus length overflows 32 bits; one export each.
;; Must answer: trapped memory-out-of-bounds.
(module
  (memory 1)
  (data $d "abcd")
  (func (export "fill") (memory.fill (i32.const 0xffffffff) (i32.const 1) (i32.const 0xffffffff)))
  (func (export "copy") (memory.copy (i32.const 0) (i32.const 0xffff0001) (i32.const 0xffff)))
  (func (export "init") (memory.init $d (i32.const 0) (i32.const 1) (i32.const 0xffffffff)))
  (func (export "load") (drop (i64.load offset=0xffffffff (i32.const -1)))))
