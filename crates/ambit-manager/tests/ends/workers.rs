//! The lines of the table of `launch/verdict.rs`, and what a worker can do besides ending.

use std::time::{Duration, Instant};

use ambit_core::{LimitKey, Outcome};
use ambit_jail::{ExtraSyscalls, cgroup::Cgroups};
use ambit_manager::LaunchConfig;

use crate::{
    Tests,
    launch::{Run, check, is, shown},
    skipped::skip,
};

const SOON: &[(&str, &str)] = &[("wall-time", "500ms")];

pub(crate) fn tests() -> Tests {
    vec![
        ("an_end_that_was_said_is_believed", an_end_that_was_said_is_believed),
        ("our_signal_at_the_deadline_is_wall_time", our_signal_at_the_deadline_is_wall_time),
        ("our_signal_once_its_cpu_clock_was_over_is_cpu_time", our_signal_once_its_cpu_clock_was_over_is_cpu_time),
        ("our_signal_since_somebody_wanted_it_is_cancelled", our_signal_since_somebody_wanted_it_is_cancelled),
        ("no_memory_is_memory_if_it_died_of_it", no_memory_is_memory_if_it_died_of_it),
        ("no_memory_in_its_group_is_memory", no_memory_in_its_group_is_memory),
        ("a_forbidden_call_is_killed_and_a_violation", a_forbidden_call_is_killed_and_a_violation),
        ("any_other_end_is_lost", any_other_end_is_lost),
        ("what_is_no_message_is_lost", what_is_no_message_is_lost),
        ("what_nobody_asked_for_is_lost", what_nobody_asked_for_is_lost),
        ("one_that_never_reads_ends_at_the_deadline", one_that_never_reads_ends_at_the_deadline),
        ("one_that_never_stops_talking_ends_at_the_deadline", one_that_never_stops_talking_ends_at_the_deadline),
        ("one_that_closes_its_socket_and_goes_on_is_ended", one_that_closes_its_socket_and_goes_on_is_ended),
        ("one_that_never_has_loaded_is_lost", one_that_never_has_loaded_is_lost),
        ("output_is_counted_by_the_parent_too", output_is_counted_by_the_parent_too),
    ]
}

fn an_end_that_was_said_is_believed() {
    let report = check("exits well", &[], "exited:7", "\"seccomp\"");
    assert_eq!(report.engine_version.as_deref(), Some("0\\u{1b}[2J"));
}

/// Its budget of CPU time begins when it has loaded: whoever has taken it over may never say so.
fn one_that_never_has_loaded_is_lost() {
    check("spins and never has loaded", &[("cpu-time", "100ms")], "lost", "has not loaded its module within 30s");
}

fn our_signal_at_the_deadline_is_wall_time() {
    for part in ["is silent", "stops in a frame", "spins"] {
        let report = check(part, SOON, "limit-exceeded:wall-time", "");
        let Outcome::LimitExceeded { allowed, used: Some(used), .. } = report.outcome else { panic!("{report:?}") };
        assert_eq!(allowed, 500_000_000);
        assert!(used >= allowed, "not a moment early");
        assert_eq!(report.outcome.exit_status(), 124);
    }
}

fn our_signal_once_its_cpu_clock_was_over_is_cpu_time() {
    let report = check("spins", &[("cpu-time", "100ms")], "limit-exceeded:cpu-time", "");
    let Outcome::LimitExceeded { allowed: 100_000_000, used: Some(used), .. } = report.outcome else { panic!("{report:?}") };
    assert!(used >= 100_000_000, "not a moment early");
    assert!(report.usage.cpu_ns >= Some(100_000_000), "{:?}", report.usage);
    // Asleep it uses none.
    check("is silent", &[("cpu-time", "100ms"), ("wall-time", "500ms")], "limit-exceeded:wall-time", "");
}

fn our_signal_since_somebody_wanted_it_is_cancelled() {
    for part in ["is silent", "spins", "logs without end", "compiler: is silent"] {
        let run = Run { cancel_after: Some(Duration::from_millis(300)), ..Run::new(part, &[]) };
        is(part, run.report(), "cancelled", "some\\\\u{1b}body");
    }
}

fn no_memory_is_memory_if_it_died_of_it() {
    let report = check("has no memory", &[("memory", "32MiB")], "limit-exceeded:memory", "");
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: LimitKey::Memory, allowed: 32 << 20, used: None });
    check("says it has no memory", &[], "lost", "the worker ended with code 1: memory allocation of");
}

/// Memory files, which no limit of its process counts and for which it has a call, since it has entered no jail.
fn no_memory_in_its_group_is_memory() {
    let offers = Cgroups::discover().offers().clone();
    if !offers.cpu || !offers.memory {
        let why = offers.why.unwrap_or_default();
        return skip("no_memory_in_its_group_is_memory", &format!("no group can be made here that bounds memory: {why}"));
    }
    let part = "takes half a gigabyte";
    let small = [("memory", "32MiB"), ("module-size", "1MiB")];
    // It has a group where its share of a core is bounded.
    let report = check(part, &[&small[..], &[("cpus", "0.5")]].concat(), "limit-exceeded:memory", "");
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: LimitKey::Memory, allowed: 32 << 20, used: None });
    assert_eq!(report.outcome.exit_status(), 123);
    check(part, &small, "lost", "the worker ended with code 3");
}

fn a_forbidden_call_is_killed_and_a_violation() {
    let report = check("makes a forbidden call", &[], "killed:SIGSYS", "");
    assert_eq!(report.violations.len(), 1);
    assert_eq!((report.violations[0].rule.as_str(), report.violations[0].count), ("syscall", 1));
    assert_eq!(report.outcome.exit_status(), 137);
}

fn any_other_end_is_lost() {
    check("exits with 0", &[], "lost", "the worker ended with code 0");
    check("exits with 3", &[], "lost", "the worker ended with code 3");
    check("aborts", &[], "lost", "the worker was ended by SIG");
    let report = check("panics", &[], "lost", "panicked\\\\u{1b}[2Jpanicked");
    assert_eq!(report.outcome.exit_status(), 125);
}

fn what_is_no_message_is_lost() {
    check("speaks garbage", &[], "lost", "what came is no frame of this version");
    check("speaks another version", &[], "lost", "what came is no frame of this version");
    check("announces four gigabytes", &[], "lost", "a message of 4294967295 bytes; at most ");
    check("announces descriptors", &[], "lost", "descriptors came that were not announced or not expected");
    check("sends no message", &[], "lost", "what came is no message");
}

fn what_nobody_asked_for_is_lost() {
    for part in ["enters twice", "ends before it has begun"] {
        check(part, &[], "lost", "the worker says what nobody has asked");
    }
    // It has entered: that it could not comes too late.
    check("cannot enter", &[], "lost", "the worker says what nobody has asked");
}

fn one_that_never_reads_ends_at_the_deadline() {
    let syscalls = ExtraSyscalls { allow: vec!["deaf".into()], ..ExtraSyscalls::default() };
    let began = Instant::now();
    // More than a socket holds.
    let run = Run { config: LaunchConfig { syscalls, ..LaunchConfig::default() }, ballast: 4 << 20, ..Run::new("", SOON) };
    is("deaf", run.report(), "limit-exceeded:wall-time", "");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

fn one_that_never_stops_talking_ends_at_the_deadline() {
    for part in ["logs without end", "fails without end"] {
        check(part, SOON, "limit-exceeded:wall-time", "");
    }
}

fn one_that_closes_its_socket_and_goes_on_is_ended() {
    let began = Instant::now();
    check("closes its socket", &[], "lost", "it closed its socket and went on");
    assert!(began.elapsed() < Duration::from_secs(30), "long before its deadline");
}

fn output_is_counted_by_the_parent_too() {
    let report = Run::new("writes without counting", &[("output", "64KiB")]).report();
    assert_eq!(shown(&report.outcome), "limit-exceeded:output", "{report:?}");
}
