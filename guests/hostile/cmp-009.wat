;; cmp-009: text in UTF-16 at an odd address.
;; Must answer: trapped.
(component
  (import "wasi:sockets/network@0.2.0" (instance $network
    (export "network" (type (sub resource)))
    (type $e (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout"
      "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit" "address-not-bindable"
      "address-in-use" "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted"
      "datagram-too-large" "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
    (export "error-code" (type (eq $e)))))
  (alias export $network "network" (type $net))
  (alias export $network "error-code" (type $code))
  (import "wasi:sockets/instance-network@0.2.0" (instance $instance
    (alias outer 1 $net (type $outer))
    (export "network" (type $inner (eq $outer)))
    (export "instance-network" (func (result (own $inner))))))
  (import "wasi:sockets/ip-name-lookup@0.2.0" (instance $lookup
    (export "resolve-address-stream" (type $stream (sub resource)))
    (alias outer 1 $net (type $outer))
    (export "network" (type $inner (eq $outer)))
    (alias outer 1 $code (type $outer-code))
    (export "error-code" (type $inner-code (eq $outer-code)))
    (export "resolve-addresses"
      (func (param "network" (borrow $inner)) (param "name" string) (result (result (own $stream) (error $inner-code)))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $get (canon lower (func $instance "instance-network")))
  (core func $resolve (canon lower (func $lookup "resolve-addresses") (memory $memory "memory") string-encoding=utf16))
  (core module $m
    (import "" "get" (func $get (result i32)))
    (import "" "resolve" (func $resolve (param i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (call $resolve (call $get) (i32.const 1024) (i32.const 8) (i32.const 0))
      (call $resolve (call $get) (i32.const 1025) (i32.const 8) (i32.const 0))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance (export "get" (func $get)) (export "resolve" (func $resolve))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))
