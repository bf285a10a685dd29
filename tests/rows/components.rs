//! Limits that only components can pass: handles, host resources, and bytes lifted in one call.

use ambit_core::Outcome;

use crate::door::{Ask, Door, shown};

/// It ends by `limit` at the one value and succeeds at the other.
#[track_caller]
fn ends_by(component: &str, limit: &str, [less, more]: [&str; 2]) {
    let run = |value| Door::new().run(Ask::new(component, &[(limit, value)])).report.outcome;
    let outcome = run(less);
    assert_eq!(shown(&outcome), format!("limit-exceeded:{limit}"), "{outcome:?}");
    assert_eq!(run(more), Outcome::Exited { code: 0 });
}

/// A component that makes a thousand handles to a resource of its own.
const HANDLES: &str = r#"(component
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r))
    (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (func (export "run") (result i32) (local $left i32)
            (local.set $left (i32.const 1000))
            (loop (drop (call $new (i32.const 7)))
                (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (i32.const 0)))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;

#[test]
fn handles() {
    ends_by(HANDLES, "handles", ["500", "2000"]);
}

/// A component that makes a thousand pollables and drops none.
const POLLABLES: &str = r#"(component
    (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $outer))
        (export "pollable" (type $inner (eq $outer)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $inner))))))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core module $m
        (import "" "subscribe" (func $subscribe (param i64) (result i32)))
        (func (export "run") (result i32) (local $left i32)
            (local.set $left (i32.const 1000))
            (loop (drop (call $subscribe (i64.const 1000000000)))
                (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (i32.const 0)))
    (core instance $i (instantiate $m (with "" (instance (export "subscribe" (func $subscribe))))))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;

#[test]
fn resource_table() {
    ends_by(POLLABLES, "resource-table", ["500", "5000"]);
}

/// A component that asks for the address of a host whose name has a megabyte.
const LONG_STRING: &str = r#"(component
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
    (core module $memory (memory (export "memory") 32))
    (core instance $memory (instantiate $memory))
    (core func $get (canon lower (func $instance "instance-network")))
    (core func $resolve (canon lower (func $lookup "resolve-addresses") (memory $memory "memory")))
    (core module $m
        (import "" "get" (func $get (result i32)))
        (import "" "resolve" (func $resolve (param i32 i32 i32 i32)))
        (func (export "run") (result i32)
            (call $resolve (call $get) (i32.const 1024) (i32.const 1048576) (i32.const 0))
            (i32.const 0)))
    (core instance $i (instantiate $m (with "" (instance
        (export "get" (func $get)) (export "resolve" (func $resolve))))))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;

#[test]
fn host_buffers() {
    ends_by(LONG_STRING, "host-buffers", ["512KiB", "4MiB"]);
}

/// A component that imports this instance, and does nothing.
fn importing(name: &str, instance: &str) -> String {
    format!(
        r#"(component
            (import "{name}" (instance {instance}))
            (core module $m (func (export "run") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#
    )
}

#[track_caller]
fn ends(component: &str, expect: &str) {
    let outcome = Door::new().run(Ask::new(component, &[])).report.outcome;
    assert_eq!(shown(&outcome), expect, "{outcome:?}");
}

#[test]
fn every_version_0_2_is_linked() {
    let now = r#"(export "now" (func (result u64)))"#;
    for version in ["0.2.0", "0.2.3", "0.2.12", "0.2.99"] {
        ends(&importing(&format!("wasi:clocks/monotonic-clock@{version}"), now), "exited:0");
    }
    ends(&importing("wasi:clocks/monotonic-clock@0.3.0", now), "rejected:unsupported-feature");
}

#[test]
fn what_is_not_provided_can_be_named_for_its_types_only() {
    let types = r#"(type $m (variant (case "get") (case "other" string))) (export "method" (type (eq $m)))"#;
    let calls = r#"(export "f" (func (result string)))"#;
    for package in ["wasi:http/types@0.2.0", "wasi:keyvalue/store@0.2.0", "wasi:config/store@0.2.0"] {
        ends(&importing(package, types), "exited:0");
        ends(&importing(package, calls), "rejected:import-denied");
        ends(&importing(package, r#"(export "fields" (type (sub resource)))"#), "rejected:import-denied");
    }
}
