//! Components: what the host keeps for them, and clocks that stand still.

use std::{
    io::{self, IoSlice},
    time::{Duration, Instant},
};

use ambit_core::{Clock, LimitKey, Outcome};
use ambit_engine::{
    Call,
    host::{GuestOutput, HostSpec},
};

use crate::drive::Rig;

/// A hundred streams of one output, and 64 KiB into each.
const STREAMS: &str = r#"(component
    (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
    (alias export $error "error" (type $err))
    (import "wasi:io/streams@0.2.0" (instance $streams
        (export "output-stream" (type $out (sub resource)))
        (alias outer 1 $err (type $outer))
        (export "error" (type $inner (eq $outer)))
        (type $failure (variant (case "last-operation-failed" (own $inner)) (case "closed")))
        (export "stream-error" (type $stream-error (eq $failure)))
        (export "[method]output-stream.write" (func
            (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
    (alias export $streams "output-stream" (type $output))
    (import "wasi:cli/stdout@0.2.0" (instance $stdout
        (alias outer 1 $output (type $outer))
        (export "output-stream" (type $inner (eq $outer)))
        (export "get-stdout" (func (result (own $inner))))))
    (core module $memory (memory (export "memory") 2))
    (core instance $memory (instantiate $memory))
    (core func $get (canon lower (func $stdout "get-stdout")))
    (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory "memory")))
    (core module $m
        (import "" "get" (func $get (result i32)))
        (import "" "write" (func $write (param i32 i32 i32 i32)))
        (func (export "run") (result i32) (local $left i32)
            (local.set $left (i32.const 100))
            (loop $again
                (call $write (call $get) (i32.const 1024) (i32.const 65536) (i32.const 0))
                (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (i32.const 0)))
    (core instance $i (instantiate $m (with "" (instance (export "get" (func $get)) (export "write" (func $write))))))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;

/// An output whose reader takes nothing.
struct Stuck;

impl GuestOutput for Stuck {
    fn try_write(&mut self, _bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

fn run(text: &str, limits: &[(&str, &str)], host: HostSpec) -> (Outcome, u64) {
    let rig = Rig::new(text, limits);
    let mut driven = rig.guest(host, Call::command(&rig.module).expect("a program"));
    let outcome = driven.outcome().0;
    let peak = driven.meter.usage().peak_memory_bytes.expect("known");
    drop(driven.guest);
    (outcome, peak)
}

#[test]
fn output_that_nobody_takes_is_kept_within_a_limit() {
    let stuck = |limits: &[(&str, &str)]| run(STREAMS, limits, HostSpec { stdout: Box::new(Stuck), ..HostSpec::default() });
    let (outcome, _) = stuck(&[("host-buffers", "4MiB")]);
    assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::HostBuffers, .. }), "{outcome:?}");
    let (outcome, _) = stuck(&[("memory", "4MiB")]);
    assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Memory, .. }), "{outcome:?}");
    let (outcome, peak) = stuck(&[]);
    assert_eq!(outcome, Outcome::Exited { code: 0 });
    assert!(peak > 100 << 16, "it is part of the guest's memory: {peak}");
}

/// An output whose reader is gone.
struct Broken;

impl GuestOutput for Broken {
    fn try_write(&mut self, _bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn output_that_nobody_can_take_is_not_kept() {
    let host = HostSpec { stdout: Box::new(Broken), ..HostSpec::default() };
    let (outcome, peak) = run(STREAMS, &[("host-buffers", "64KiB")], host);
    assert_eq!(outcome, Outcome::Exited { code: 0 });
    assert!(peak < 1 << 20, "only the guest's own memory: {peak}");
}

/// Waits for the first of five seconds and an hour, and tells by its exit whether the clock has gone on by about the former.
const SLEEPER: &str = r#"(component
    (import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $p (sub resource)))
        (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $outer))
        (export "pollable" (type $inner (eq $outer)))
        (export "now" (func (result u64)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $inner))))))
    (core module $memory
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $memory (instantiate $memory))
    (core func $now (canon lower (func $clock "now")))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core func $wait (canon lower (func $poll "poll") (memory $memory "memory") (realloc (func $memory "realloc"))))
    (core module $m
        (import "" "memory" (memory 1))
        (import "" "now" (func $now (result i64)))
        (import "" "subscribe" (func $subscribe (param i64) (result i32)))
        (import "" "wait" (func $wait (param i32 i32 i32)))
        (func (export "run") (result i32) (local $passed i64)
            (i32.store (i32.const 0) (call $subscribe (i64.const 3600000000000)))
            (i32.store (i32.const 4) (call $subscribe (i64.const 5000000000)))
            (local.set $passed (call $now))
            (call $wait (i32.const 0) (i32.const 2) (i32.const 16))
            (local.set $passed (i64.sub (call $now) (local.get $passed)))
            ;; One is ready, and it is the second.
            (if (i32.ne (i32.load (i32.const 20)) (i32.const 1)) (then (return (i32.const 1))))
            (if (i32.ne (i32.load (i32.load (i32.const 16))) (i32.const 1)) (then (return (i32.const 1))))
            (i32.or (i64.lt_u (local.get $passed) (i64.const 4999000000))
                (i64.gt_u (local.get $passed) (i64.const 5001000000)))))
    (core instance $i (instantiate $m (with "" (instance (export "memory" (memory $memory "memory"))
        (export "now" (func $now)) (export "subscribe" (func $subscribe)) (export "wait" (func $wait))))))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;

#[test]
fn a_clock_that_stands_still_jumps_to_the_first_that_is_due() {
    let began = Instant::now();
    let (outcome, _) = run(SLEEPER, &[], HostSpec { clock: Clock::Fixed, ..HostSpec::default() });
    assert_eq!(outcome, Outcome::Exited { code: 0 });
    assert!(began.elapsed() < Duration::from_secs(4), "no time passes");
}
