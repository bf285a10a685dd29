;; p3-001: a stream without end into standard output, by the interfaces of WASI 0.3.
;; Must answer: rejected, import-denied, also where async components are allowed: the version is not provided.
(component
  (import "wasi:cli/stdout@0.3.0" (instance
    (export "write-via-stream" (func (param "data" (stream u8)) (result (future (result))))))))
