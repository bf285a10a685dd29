;; p2-002: a time limit of nothing between the bytes of a request.
;; Must answer: rejected, import-denied, until there is HTTP.
(component
  (import "wasi:http/types@0.2.0" (instance
    (export "request-options" (type $options (sub resource)))
    (export "[method]request-options.set-between-bytes-timeout"
      (func (param "self" (borrow $options)) (param "duration" (option u64)) (result (result)))))))
