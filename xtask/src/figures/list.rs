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
        name: "run-hello",
        what: "the whole process of `ambit run` on a hello",
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
