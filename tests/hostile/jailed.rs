//! A case of the catalogue in processes of its own, as `ambit run` launches it.

use std::{
    io::{self, Read},
    os::fd::OwnedFd,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{EngineId, Isolation, Outcome, Policy, PolicySpec, Profile, Rejection, Report, ResultValue, RunId};
use ambit_jail::Spawner;
use ambit_manager::{Control, Entry, Input, LaunchConfig, LaunchRequest, Launcher, Output, Streams};

use crate::{
    catalogue::Case,
    door::{Ran, guest, rejected},
    fixture::Fixture,
    host,
};

/// What launches processes of the program under test.
pub(crate) fn launcher(engine: EngineId) -> Launcher {
    let ambit = Spawner::of(&crate::program::program()).expect("the program under test");
    Launcher::with(ambit, LaunchConfig { engine, ..LaunchConfig::default() })
}

/// Runs a case to its end. The second value says whether what lies outside the granted directory is as it was.
pub(crate) fn run(launcher: &Launcher, case: &Case) -> (Ran, bool) {
    let fixture = Fixture::new();
    let (stdin, held) = match case.grants.stdin.as_deref() {
        Some("blocked") => {
            let (read, write) = io::pipe().expect("a pipe");
            (Input::Fd(read.into()), Some(OwnedFd::from(write)))
        }
        _ => (Input::Nothing, None),
    };
    let spec = host::spec(case, &fixture);
    let entry = match &case.invoke {
        Some(function) => Entry::Invoke { function: function.clone(), args: Vec::new() },
        None => Entry::Command,
    };
    let ran = launch(launcher, &case.module, &spec, entry, stdin, case.cancel_after());
    drop(held);
    (ran, fixture.is_untouched())
}

/// Whether a well-behaved guest still runs and computes.
pub(crate) fn is_well(launcher: &Launcher) -> bool {
    let entry = Entry::Invoke { function: "add".into(), args: vec!["20".into(), "22".into()] };
    let module = guest("bin/add.wasm");
    let Ran { report, .. } = launch(launcher, &module, &PolicySpec::default(), entry, Input::Nothing, None);
    report.outcome.is_success() && report.results == [ResultValue::I32(42)]
}

/// Runs a module to its end.
pub(crate) fn launch(
    launcher: &Launcher,
    module: &[u8],
    spec: &PolicySpec,
    entry: Entry,
    stdin: Input,
    cancel_after: Option<Duration>,
) -> Ran {
    let since = Instant::now();
    let control = Control::new().expect("descriptors");
    let (mut read, write) = io::pipe().expect("a pipe");
    let stdout = thread::spawn(move || {
        let mut bytes = Vec::new();
        read.read_to_end(&mut bytes).expect("a pipe is read");
        bytes
    });
    let streams = Streams { stdin, stdout: Output::Fd(write.into()), stderr: Output::Nothing };
    let prepared = policy(launcher.engine(), spec).and_then(|policy| Ok((launcher.prepare(&policy)?, admit(module, &policy)?)));
    let report = match prepared {
        Ok((prepared, module)) => {
            let request = LaunchRequest { run: RunId(1), module, entry, name: "guest".into(), streams, since };
            if let Some(after) = cancel_after {
                let control = control.clone();
                thread::spawn(move || {
                    thread::sleep(after);
                    control.cancel("the test");
                });
            }
            launcher.run(prepared, request, &control, &mut |_| {})
        }
        Err(rejection) => {
            drop(streams);
            Report { isolation: Isolation::Process, ..rejected(rejection) }
        }
    };
    let started = !matches!(report.outcome, Outcome::Rejected(_));
    Ran { report, stdout: stdout.join().expect("no panic"), started }
}

fn policy(engine: EngineId, spec: &PolicySpec) -> Result<Arc<Policy>, Rejection> {
    Ok(Arc::new(Profile::Default.policy().narrow(spec)?.resolve_on(engine, Isolation::Process)?))
}

fn admit(module: &[u8], policy: &Policy) -> Result<Arc<Verified>, Rejection> {
    let module = ambit_admit::admit(module.to_vec(), &AdmitRules::from_policy(policy))?;
    Ok(Arc::new(module))
}
