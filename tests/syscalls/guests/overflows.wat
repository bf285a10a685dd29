;; Calls itself until there is no stack left: a trap that arrives as a signal, on a stack that has overflowed.
(module
  (func $again (export "_start") (call $again)))
