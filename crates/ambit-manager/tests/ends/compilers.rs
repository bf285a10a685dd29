//! A compiler that a module has taken over, or worn out.

use std::time::{Duration, Instant};

use crate::{Tests, launch::check};

pub(crate) fn tests() -> Tests {
    vec![
        ("a_compiler_over_its_budget_is_compile_budget", a_compiler_over_its_budget_is_compile_budget),
        ("a_compiler_that_dies_is_lost", a_compiler_that_dies_is_lost),
        ("a_compiler_refuses_for_itself_and_no_other", a_compiler_refuses_for_itself_and_no_other),
        ("a_compiler_that_says_nothing_ends_at_the_deadline", a_compiler_that_says_nothing_ends_at_the_deadline),
    ]
}

fn a_compiler_over_its_budget_is_compile_budget() {
    let says = "the limit `compile-memory`";
    check("compiler: has no memory", &[], "rejected:compile-budget", says);
    for part in ["compiler: spins", "compiler: enters without end"] {
        let began = Instant::now();
        let report = check(part, &[("compile-time", "200ms")], "rejected:compile-budget", "the limit `compile-time`");
        assert!(began.elapsed() < Duration::from_secs(30), "{part}");
        assert_eq!(report.outcome.exit_status(), 126);
        assert_eq!(report.engine, None, "nothing ran");
    }
}

fn a_compiler_that_dies_is_lost() {
    check("compiler: exits with 3", &[], "lost", "the compiler ended with code 3");
    check("compiler: aborts", &[], "lost", "the compiler was ended by SIG");
    check("compiler: speaks garbage", &[], "lost", "what came is no frame");
    check("compiler: closes its socket", &[], "lost", "it closed its socket and went on");
    check("compiler: gives nothing", &[], "lost", "an artifact of 0 bytes");
}

fn a_compiler_refuses_for_itself_and_no_other() {
    check("compiler: refuses", &[], "rejected:invalid-module", "because\\\\u{1b}[2Jbecause");
    check("compiler: speaks for its parent", &[], "rejected:policy", "since I say so");
    // It has entered: that it could not comes too late.
    check("compiler: cannot enter", &[], "lost", "the compiler says what nobody has asked");
}

fn a_compiler_that_says_nothing_ends_at_the_deadline() {
    check("compiler: is silent", &[("wall-time", "500ms")], "limit-exceeded:wall-time", "");
}
