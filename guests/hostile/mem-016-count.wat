;; mem-016-count: nine empty memories: nothing in them, but each reserves address space on the host's side.
;; Must answer: limit-exceeded memories.
(module
  (memory 0) (memory 0) (memory 0) (memory 0) (memory 0) (memory 0) (memory 0) (memory 0) (memory 0)
  (func (export "run")))
