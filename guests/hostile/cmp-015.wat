;; cmp-015: sockets and names without a grant.
;; Must answer: exited 0: each is refused, and recorded.
(module
  (import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $tcp (param i32 i32)))
  (import "wasi:sockets/udp-create-socket@0.2.0" "create-udp-socket" (func $udp (param i32 i32)))
  (import "wasi:sockets/instance-network@0.2.0" "instance-network" (func $network (result i32)))
  (import "wasi:sockets/ip-name-lookup@0.2.0" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "localhost")
  ;; Whether it failed with `access-denied`.
  (func $denied (result i32)
    (i32.and (i32.eq (i32.load8_u (i32.const 0)) (i32.const 1)) (i32.eq (i32.load8_u (i32.const 4)) (i32.const 1))))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $tcp (i32.const 0) (i32.const 0))
    (if (i32.eqz (call $denied)) (then (return (i32.const 1))))
    (call $udp (i32.const 1) (i32.const 0))
    (if (i32.eqz (call $denied)) (then (return (i32.const 1))))
    (call $resolve (call $network) (i32.const 64) (i32.const 9) (i32.const 0))
    (i32.eqz (call $denied))))
