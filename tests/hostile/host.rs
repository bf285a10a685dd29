//! A case of the catalogue as something to ask of a runtime in this process.

use std::os::fd::OwnedFd;

use ambit_core::{Feature, PolicySpec};
use ambit_engine::host::{EmptyInput, FdInput, GuestInput};

use crate::{
    catalogue::Case,
    door::{Ask, Door, Ran},
    fixture::Fixture,
};

/// Runs a case to its end. The second value says whether what lies outside the granted directory is as it was.
pub(crate) fn run(door: &Door, case: &Case) -> (Ran, bool) {
    let fixture = Fixture::new();
    // The writing end of a pipe that nothing is written to, kept open for as long as the run takes.
    let mut held: Option<OwnedFd> = None;
    let stdin: Box<dyn GuestInput> = match case.grants.stdin.as_deref() {
        Some("blocked") => {
            let (read, write) = std::io::pipe().expect("a pipe");
            held = Some(write.into());
            Box::new(FdInput::new(read.into()))
        }
        Some("empty" | "none") | None => Box::new(EmptyInput),
        Some(other) => panic!("unknown stdin `{other}`"),
    };
    let ask = Ask {
        spec: spec(case, &fixture),
        invoke: case.invoke.clone().map(|name| (name, Vec::new())),
        stdin,
        cancel_after: case.cancel_after(),
        ..Ask::bytes(case.module.clone(), &[])
    };
    let ran = door.run(ask);
    drop(held);
    (ran, fixture.is_untouched())
}

/// What the case asks for, with directories of the fixture.
pub(crate) fn spec(case: &Case, fixture: &Fixture) -> PolicySpec {
    let limits: Vec<(&str, &str)> = case.limits.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let args: Vec<&str> = case.grants.args.iter().map(String::as_str).collect();
    let spec = Ask::bytes(Vec::new(), &limits).command(&args).spec;
    let mut grants = spec.grants.unwrap_or_default();
    for variable in &case.grants.env {
        let (name, value) = variable.split_once('=').expect("NAME=VALUE");
        grants.env.push((name.into(), value.into()));
    }
    for dir in &case.grants.dirs {
        let path = fixture.inside();
        let dir = dir.replacen("fixture", path.to_str().expect("UTF-8"), 1);
        grants.dirs.push(dir.parse().unwrap_or_else(|error| panic!("{error}")));
    }
    grants.tmp = case.grants.tmp.as_deref().map(|size| size.parse().expect("a size"));
    PolicySpec {
        grants: Some(grants),
        features: case.features.iter().map(|name| name.parse::<Feature>().expect("a feature")).collect(),
        on_memory_refusal: case.on_memory_refusal.as_deref().map(|what| what.parse().expect("a reaction")),
        ..spec
    }
}
