;; cmp-014: 40 000 header fields for a request.
;; Must answer: rejected, import-denied, until there is HTTP.
(component
  (import "wasi:http/types@0.2.0" (instance
    (export "fields" (type $fields (sub resource)))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[method]fields.append" (func (param "self" (borrow $fields)) (param "name" string) (param "value" (list u8)))))))
