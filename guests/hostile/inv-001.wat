;; inv-001: a body of the wrong type: it promises an i32 and leaves an i64.
;; Must answer: rejected invalid-module.
(module (func (export "run") (result i32) (i64.const 0)))
