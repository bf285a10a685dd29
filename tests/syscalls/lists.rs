//! Each list, and what works with it and with nothing less.

use std::{sync::Arc, thread, time::Duration};

use ambit_core::{
    EngineId::{self, Wasmi, Wasmtime},
    Isolation, Metering,
};
use ambit_jail::{Purpose, SyscallPolicy, Use};
use ambit_manager::{
    Compiled, Entry,
    tenant::{Pending, TenantLimits, TenantRun, TenantWorker},
};

use crate::{
    guests::{
        CLOCK, COMPONENT, COMPUTES, FILES, Guest, HELLO, LARGE, LOOPS, OVERFLOWS, STRAYS, WAITS, WRITES, launcher,
        stop_and_continue,
    },
    worst,
};

/// Rules that a list has though nothing here needs them, and why it does.
pub(crate) const UNSHOWN: &[(&str, &str, &str)] = &[
    (
        "files",
        "newfstatat()",
        "only of file systems that do not say in a listing what each name is: XFS without ftype, some of FUSE",
    ),
    ("compiler", "clock_gettime()", "only where the vDSO cannot read the machine's clock source, as on some virtual machines"),
    ("compiler", "futex(FUTEX_WAIT)", "only when two threads want one heap of the allocator at once, which is chance"),
    ("tenant", "futex(FUTEX_WAIT)", "the same"),
];

/// As often all has to go well without a rule.
const TRIES: u32 = 4;

/// Each rule of a list in turn: without it, `works` finds something that does not.
fn check(list: &str, rules: &[String], works: impl Fn(&[String]) -> Result<(), String>) {
    works(&[]).unwrap_or_else(|error| panic!("{list}, with every rule: {error}"));
    for (_, rule, _) in UNSHOWN.iter().filter(|(of, ..)| *of == list) {
        assert!(rules.iter().any(|other| other == rule), "{list} has no such rule: {rule}");
    }
    let unshown = |rule: &str| UNSHOWN.iter().any(|(of, other, _)| (*of, *other) == (list, rule));
    // Some are needed at most times only, such as for what an allocator does when threads meet.
    let goes_on = |rule: &String| (0..TRIES).all(|_| works(std::slice::from_ref(rule)).is_ok());
    let needless: Vec<_> = rules.iter().filter(|rule| !unshown(rule) && goes_on(rule)).collect();
    assert!(needless.is_empty(), "{list} has rules that nothing needs: {needless:#?}");
}

/// A list, in the words by which each of its rules is denied.
fn rules(engine: EngineId, use_: Use, files: bool) -> Vec<String> {
    let policy = SyscallPolicy::of(engine, use_, files);
    policy.rules().map(|rule| format!("{}({})", rule.name, rule.when)).collect()
}

#[test]
fn of_a_worker_that_runs_one_guest() {
    let whole = launcher(Wasmtime, &[], &[]);
    let guests = [HELLO, WAITS, COMPUTES, STRAYS, OVERFLOWS, COMPONENT, CLOCK];
    let guests = guests.map(|guest| (guest, guest.compiled(&whole, Metering::Kernel).expect("compiled")));
    check("process", &rules(Wasmtime, Use::Process, false), |without| {
        let launcher = launcher(Wasmtime, without, &[]);
        guests.iter().try_for_each(|(guest, code)| guest.alone(&launcher, code))?;
        worst::survives(Wasmtime, Purpose::Process, without)
    });
}

#[test]
fn of_a_worker_that_interprets_one_guest() {
    let whole = launcher(Wasmi, &[], &[]);
    let guests = [HELLO, WAITS, COMPUTES, STRAYS, OVERFLOWS, CLOCK];
    let guests = guests.map(|guest| (guest, guest.compiled(&whole, Metering::Kernel).expect("nothing to compile")));
    check("wasmi, process", &rules(Wasmi, Use::Process, false), |without| {
        let launcher = launcher(Wasmi, without, &[]);
        guests.iter().try_for_each(|(guest, code)| guest.alone(&launcher, code))?;
        worst::survives(Wasmi, Purpose::Process, without)
    });
}

#[test]
fn of_a_worker_whose_guest_has_directories() {
    let code = FILES.compiled(&launcher(Wasmtime, &[], &[]), Metering::Kernel).expect("compiled");
    let others = rules(Wasmtime, Use::Process, false);
    let files: Vec<_> = rules(Wasmtime, Use::Process, true).into_iter().filter(|rule| !others.contains(rule)).collect();
    check("files", &files, |without| FILES.alone(&launcher(Wasmtime, without, &[]), &code));
}

#[test]
fn of_an_interpreter_whose_guest_has_directories() {
    let code = FILES.compiled(&launcher(Wasmi, &[], &[]), Metering::Kernel).expect("nothing to compile");
    let others = rules(Wasmi, Use::Process, false);
    let files: Vec<_> = rules(Wasmi, Use::Process, true).into_iter().filter(|rule| !others.contains(rule)).collect();
    check("files", &files, |without| FILES.alone(&launcher(Wasmi, without, &[]), &code));
}

#[test]
fn of_a_compiler() {
    check("compiler", &rules(Wasmtime, Use::Compiler, false), |without| {
        let launcher = launcher(Wasmtime, &[], without);
        HELLO.after_waiting(&launcher)?;
        worst::survives(Wasmtime, Purpose::Compiler, without)?;
        [HELLO, COMPONENT, LARGE].iter().try_for_each(|guest| {
            guest.compiled(&launcher, Metering::Kernel).map(drop).map_err(|outcome| format!("{}: {outcome:?}", guest.name))
        })
    });
}

#[test]
fn of_a_worker_that_guests_share() {
    let whole = launcher(Wasmtime, &[], &[]);
    let compiled = |guest: Guest| (guest, guest.compiled(&whole, Metering::Epochs).expect("compiled"));
    let guests = [HELLO, COMPUTES, STRAYS, OVERFLOWS, COMPONENT, CLOCK].map(compiled);
    let (loops, writes) = (compiled(LOOPS), compiled(WRITES));
    check("tenant", &rules(Wasmtime, Use::Tenant, false), |without| {
        worst::survives(Wasmtime, Purpose::Tenant, without)?;
        let launcher = Arc::new(launcher(Wasmtime, without, &[]));
        let worker = TenantWorker::start(&launcher, TenantLimits::default()).map_err(|error| error.message)?;
        let load = |(guest, code): &(Guest, Arc<Compiled>)| {
            let policy = guest.policy(Isolation::Tenant, None);
            worker.load(&guest.admitted(&policy), &policy, code).map_err(|error| error.message)
        };
        let start = |module: &_| {
            let run = TenantRun { entry: Entry::Command, name: "guest".into(), policy: None, keep_output: true };
            worker.run(module, &run).map_err(|error| error.message)
        };
        let ended = |(guest, _): &(Guest, _), pending: Pending| {
            let end = pending.wait();
            if (guest.well)(&end.outcome) { Ok(()) } else { Err(format!("{}: {:?}", guest.name, end.outcome)) }
        };
        let module = load(&loops)?;
        let pending = start(&module)?;
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(10));
            stop_and_continue(Purpose::Tenant);
        }
        ended(&loops, pending)?;
        // One by itself, then many at once.
        for guest in guests.iter().chain([&writes]) {
            let module = load(guest)?;
            ended(guest, start(&module)?)?;
            let many: Result<Vec<_>, String> = (0..40).map(|_| start(&module)).collect();
            many?.into_iter().try_for_each(|pending| ended(guest, pending))?;
        }
        Ok(())
    });
}
