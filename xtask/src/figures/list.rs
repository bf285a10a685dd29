//! The figures. SPECIFICATION.md has a row for each.

use super::{
    bench::bench,
    figure::{Bound, Figure},
    whole::{kill_loop, kill_sleep, kill_start, run_hello},
};

/// Wasmtime with the same pool, epoch and limiter settings, called directly.
const RAW: &str = "raw Wasmtime";

/// Every figure.
pub(super) const FIGURES: &[Figure] = &[
    Figure {
        name: "noop-call",
        what: "instantiate, call a function that does nothing, drop",
        bound: Bound::TimesPartner(1.5, RAW),
        measure: |repo| bench(repo, "noop-call"),
    },
    Figure {
        name: "p1-hello",
        what: "a whole run of a WASI preview 1 hello",
        bound: Bound::TimesPartner(1.2, RAW),
        measure: |repo| bench(repo, "p1-hello"),
    },
    Figure {
        name: "p2-hello",
        what: "a whole run of a WASI preview 2 hello",
        bound: Bound::TimesPartner(1.2, RAW),
        measure: |repo| bench(repo, "p2-hello"),
    },
    Figure {
        name: "admit",
        what: "admission of a large module",
        bound: Bound::AtLeast(100.0, "MB/s"),
        measure: |repo| bench(repo, "admit"),
    },
    Figure {
        name: "noop-rate",
        what: "calls a second of a function that does nothing, each on a fresh instance, on one core",
        bound: Bound::AtLeast(140_000.0, "calls/s"),
        measure: |repo| bench(repo, "noop-rate"),
    },
    Figure {
        name: "hello-rate",
        what: "whole runs a second of a WASI preview 1 hello, on one core",
        bound: Bound::AtLeast(85_000.0, "runs/s"),
        measure: |repo| bench(repo, "hello-rate"),
    },
    Figure {
        name: "two-cores",
        what: "whole runs a second of a WASI preview 1 hello on two cores, beside one core",
        bound: Bound::AtLeastTimesPartner(1.0, "one core"),
        measure: |repo| bench(repo, "two-cores"),
    },
    Figure {
        name: "overshoot-p50",
        what: "200 endless loops on 2 cores with deadlines of 50 ms: the median is over this long after",
        bound: Bound::AtMost(3.0, "ms"),
        measure: |repo| bench(repo, "overshoot-p50"),
    },
    Figure {
        name: "overshoot-p99",
        what: "the same, of 99 in 100",
        bound: Bound::AtMost(10.0, "ms"),
        measure: |repo| bench(repo, "overshoot-p99"),
    },
    Figure {
        name: "overshoot-tokio",
        what: "the same, beside tokio::time::timeout around raw Wasmtime",
        bound: Bound::TimesPartner(0.1, "tokio"),
        measure: |repo| bench(repo, "overshoot-tokio"),
    },
    Figure {
        name: "weights",
        what: "two tenants with weights 3:1 and 50 computing guests each: how far their CPU time is from that",
        bound: Bound::AtMost(5.0, "%"),
        measure: |repo| bench(repo, "weights"),
    },
    Figure {
        name: "weights-host",
        what: "the same with guests that call the host",
        bound: Bound::AtMost(5.0, "%"),
        measure: |repo| bench(repo, "weights-host"),
    },
    Figure {
        name: "weights-faults",
        what: "the same with guests that touch fresh memory",
        bound: Bound::AtMost(5.0, "%"),
        measure: |repo| bench(repo, "weights-faults"),
    },
    Figure {
        name: "billed",
        what: "how much of the CPU time that the kernel counts no tenant is billed for, with computing guests",
        bound: Bound::AtMost(5.0, "%"),
        measure: |repo| bench(repo, "billed"),
    },
    Figure {
        name: "billed-host",
        what: "the same with guests that call the host",
        bound: Bound::AtMost(5.0, "%"),
        measure: |repo| bench(repo, "billed-host"),
    },
    Figure {
        name: "billed-faults",
        what: "the same with guests that touch fresh memory",
        bound: Bound::AtMost(5.0, "%"),
        measure: |repo| bench(repo, "billed-faults"),
    },
    Figure {
        name: "tenant-cap",
        what: "a tenant capped at 0.25 cores: how far off the whole process is, with computing guests",
        bound: Bound::AtMost(0.02, "cores"),
        measure: |repo| bench(repo, "tenant-cap"),
    },
    Figure {
        name: "tenant-cap-host",
        what: "the same with guests that call the host",
        bound: Bound::AtMost(0.02, "cores"),
        measure: |repo| bench(repo, "tenant-cap-host"),
    },
    Figure {
        name: "tenant-cap-faults",
        what: "the same with guests that touch fresh memory",
        bound: Bound::AtMost(0.02, "cores"),
        measure: |repo| bench(repo, "tenant-cap-faults"),
    },
    Figure {
        name: "guest-cap",
        what: "a guest capped at half a core: how far off the whole process is, computing",
        bound: Bound::AtMost(0.02, "cores"),
        measure: |repo| bench(repo, "guest-cap"),
    },
    Figure {
        name: "guest-cap-host",
        what: "the same, calling the host",
        bound: Bound::AtMost(0.02, "cores"),
        measure: |repo| bench(repo, "guest-cap-host"),
    },
    Figure {
        name: "guest-cap-faults",
        what: "the same, touching fresh memory",
        bound: Bound::AtMost(0.02, "cores"),
        measure: |repo| bench(repo, "guest-cap-faults"),
    },
    Figure {
        name: "neighbour",
        what: "a call beside 500 busy guests of another tenant on 2 cores: its 99th percentile beyond 3 times what it is alone",
        bound: Bound::AtMost(2.0, "ms"),
        measure: |repo| bench(repo, "neighbour"),
    },
    Figure {
        name: "parked",
        what: "memory that each of 10 000 sleeping guests takes beyond what it touched",
        bound: Bound::AtMost(96.0, "kB"),
        measure: |repo| bench(repo, "parked"),
    },
    Figure {
        name: "churn",
        what: "by how much the process grows over 100 000 instances",
        bound: Bound::AtMost(1024.0, "kB"),
        measure: |repo| bench(repo, "churn"),
    },
    Figure {
        name: "run-hello",
        what: "the whole process of `ambit run`, as it is shipped, on a hello",
        bound: Bound::TimesPartner(1.0, "`wasmtime run` without a cache"),
        measure: run_hello,
    },
    Figure {
        name: "kill-loop",
        what: "the whole process, with 500 ms for a loop that never ends",
        bound: Bound::AtMost(520.0, "ms"),
        measure: kill_loop,
    },
    Figure {
        name: "kill-sleep",
        what: "the whole process, with 500 ms for a guest that sleeps",
        bound: Bound::AtMost(520.0, "ms"),
        measure: kill_sleep,
    },
    Figure {
        name: "kill-start",
        what: "the whole process, with 500 ms for a start function that never ends",
        bound: Bound::AtMost(520.0, "ms"),
        measure: kill_start,
    },
];
