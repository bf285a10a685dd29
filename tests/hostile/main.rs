//! Every hostile guest of the catalogue, four tests a row, two for each engine: through admission and the runtime in this process, and in
//! processes of its own, as `ambit run` does it. Programs of preview 1 do their misdeed once more as components, by preview 2.
//!
//! A row passes if the guest gets the outcome the catalogue names, the host goes on, and the next guest in the same
//! runtime, or from the same launcher, is unharmed; and if the same attack *succeeds* once its limit is lifted or its grant given, so that the row
//! cannot pass for the wrong reason. What is decided here is decided by outcomes, never by a module's name.

#[path = "../adapted.rs"]
mod adapted;
mod bombs;
mod bytes;
mod catalogue;
#[path = "../door.rs"]
mod door;
mod fixture;
mod host;
mod jailed;
#[path = "../program.rs"]
mod program;
mod row;
mod world;

use std::{process::ExitCode, sync::Arc};

use ambit_core::EngineId;
use libtest_mimic::{Arguments, Trial};

use self::row::{InProcess, Jailed};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Rows look at this process's memory: one at a time, unless every row has a process of its own.
    arguments.test_threads.get_or_insert(1);
    let rows = catalogue::read();
    let rows: Vec<_> = rows.into_iter().filter(|row| !row.scripted).collect();
    // Components are Wasmtime's alone: of those that Wasmi refuses, those of the catalogue are enough.
    let mut on_wasmi = Vec::new();
    for row in &rows {
        let (row, title) = (Arc::new(row.clone()), format!("wasmi::{}", row.id));
        let same = Arc::clone(&row);
        let check = move || row::check(&row, &InProcess::new(EngineId::Wasmi)).map_err(Into::into);
        on_wasmi.push(Trial::test(title.clone(), check));
        let check = move || row::check(&same, &Jailed::new(EngineId::Wasmi)).map_err(Into::into);
        on_wasmi.push(Trial::test(format!("process::{title}"), check));
    }
    let adapted = rows.iter().filter_map(|row| Some((format!("p2::{}", row.id), row.adapted()?))).collect::<Vec<_>>();
    let named = rows.into_iter().map(|row| (row.id.clone(), row)).chain(adapted);
    let trials = named.flat_map(|(name, row)| {
        let (row, jailed) = (Arc::new(row), format!("process::{name}"));
        let same = Arc::clone(&row);
        [
            Trial::test(name, move || row::check(&row, &InProcess::new(EngineId::Wasmtime)).map_err(Into::into)),
            Trial::test(jailed, move || row::check(&same, &Jailed::new(EngineId::Wasmtime)).map_err(Into::into)),
        ]
    });
    let bombs = bombs::BOMBS
        .iter()
        .map(|(id, may)| Trial::test(format!("process::lifted::{id}"), move || bombs::check(id, may).map_err(Into::into)));
    let trials = trials.chain(on_wasmi).chain(bombs).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
