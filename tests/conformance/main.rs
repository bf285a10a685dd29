//! The specification's own tests, through admission and through the engine as it is configured in use, one test a file.
//!
//! A file passes if every directive does: valid modules are admitted and compile, invalid ones are refused by both, and
//! what the script calls gives the results, traps and exceptions it asks for, though the code gives the thread back
//! wherever it can. What the suite counts stands in `docs/conformance.md`, and a run of all files compares the two;
//! `AMBIT_BLESS=1` writes it anew. What does not pass stands in `expected.toml`, with its reason.

mod admission;
mod deviations;
mod executor;
mod features;
mod interpreter;
mod machine;
mod modules;
mod never;
mod page;
mod pattern;
mod script;
mod spectest;
mod suites;
mod tally;
mod traps;
mod value;
mod world;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use ambit_core::{EngineId, Feature, FeatureSet, RejectReason};
use ambit_engine::{Engine, wasmi::WasmiEngine};
use deviations::Failure;
use interpreter::Interpreter;
use libtest_mimic::{Arguments, Failed, Trial};
use machine::Machine;
use suites::{File, Suite};
use tally::{Measured, Row};
use world::World;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let suites = suites::all();
    let measured = Arc::new(Mutex::new(Measured::default()));
    let mut trials = vec![stray_deviations(&suites), Trial::test("ours/bites", bites)];
    for suite in suites {
        for file in suite.files {
            let measured = Arc::clone(&measured);
            if file.adds.is_some_and(|adds| adds.minus(claimed()).is_empty()) {
                let (file, measured) = (file.clone(), Arc::clone(&measured));
                trials.push(Trial::test(format!("wasmi/{}", file.title()), move || {
                    if let Some(row) = check_on_wasmi(&file)? {
                        measured.lock().unwrap_or_else(PoisonError::into_inner).add(row);
                    }
                    Ok(())
                }));
            }
            trials.push(Trial::test(file.title(), move || {
                let row = check(&file)?;
                measured.lock().unwrap_or_else(PoisonError::into_inner).add(row);
                Ok(())
            }));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let whole = !arguments.list && conclusion.num_filtered_out == 0 && conclusion.num_ignored == 0;
    if conclusion.has_failed() || !whole {
        return conclusion.exit_code();
    }
    let measured = measured.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stderr = io::stderr().lock();
    // A closed stderr is no reason to fail.
    _ = writeln!(stderr, "{measured}");
    match page::settle(&measured) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            _ = writeln!(stderr, "{what}");
            ExitCode::FAILURE
        }
    }
}

fn check(file: &File) -> Result<Row, Failed> {
    match file.adds {
        Some(adds) => check_on::<World>(EngineId::Wasmtime, file, features::needed(file.text, adds)),
        None => settled(EngineId::Wasmtime, file, never::run(file)),
    }
}

fn check_on<M: Machine>(engine: EngineId, file: &File, features: FeatureSet) -> Result<Row, Failed> {
    settled(engine, file, script::run::<M>(engine, file, features))
}

fn settled(engine: EngineId, file: &File, (row, failures): (Row, Vec<Failure>)) -> Result<Row, Failed> {
    let wrong = deviations::unexpected(engine, file, failures);
    if wrong.is_empty() { Ok(row) } else { Err(wrong.join("\n").into()) }
}

/// What Wasmi claims, and components, which no script has.
fn claimed() -> FeatureSet {
    WasmiEngine::new().capabilities().features.with(Feature::ComponentModel)
}

/// Runs a script on Wasmi if that claims all its features. Of one that needs more, it must refuse the modules that do.
fn check_on_wasmi(file: &File) -> Result<Option<Row>, Failed> {
    let features = features::needed(file.text, file.adds.unwrap_or_default());
    if features.minus(claimed()).is_empty() {
        return check_on::<Interpreter>(EngineId::Wasmi, file, features).map(Some);
    }
    let (engine, rules) = (Interpreter::new(features, file.text), admission::rules(claimed()));
    let beyond = |bytes: &[u8]| matches!(ambit_admit::admit(bytes, &rules), Err(rejection) if rejection.reason == RejectReason::UnsupportedFeature);
    let taken = modules::of(file.text).into_iter().filter(|module| module.valid && beyond(&module.bytes));
    let taken: Vec<String> = taken
        .filter(|module| engine.compile(&module.bytes).is_ok())
        .map(|module| format!("{}:{}: wasmi compiles what needs a feature that it does not claim", file.path(), module.line))
        .collect();
    if taken.is_empty() { Ok(None) } else { Err(taken.join("\n").into()) }
}

/// A deviation that names no file of the suites would never be missed.
fn stray_deviations(suites: &[Suite]) -> Trial {
    let files: Vec<String> = suites.iter().flat_map(|suite| &suite.files).map(File::path).collect();
    Trial::test("ours/expected.toml", move || match deviations::all().iter().find(|deviation| !files.contains(&deviation.file)) {
        None => Ok(()),
        Some(stray) => Err(format!("no suite that is run has a file `{}`", stray.file).into()),
    })
}

/// All directives of a script fail that are wrong, which are all but the first.
fn bites() -> Result<(), Failed> {
    let file = File::ours("bites", include_str!("bites.wast"));
    let buffer = modules::buffer(file.text);
    let wrong = modules::directives(&buffer).into_iter().skip(1).map(|directive| modules::line(directive.span(), file.text));
    let (_, failures) = script::run::<World>(EngineId::Wasmtime, &file, FeatureSet::DEFAULT);
    let missed: Vec<String> = wrong
        .filter(|line| failures.iter().all(|failure| failure.line != *line))
        .map(|line| format!("line {line} passes"))
        .collect();
    if missed.is_empty() { Ok(()) } else { Err(missed.join("\n").into()) }
}
