;; cmp-016: an interface that looks like one of WASI's.
;; Must answer: rejected, import-denied.
(component
  (import "wasi:file-system/types@0.2.0" (instance (export "open" (func (param "path" string) (result u32))))))
