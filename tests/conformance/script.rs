//! Runs a script, directive by directive.

use ambit_admit::AdmitRules;
use ambit_core::{EngineId, FeatureSet};
use wast::{QuoteWat, WastDirective, WastExecute, WastRet, token::Id};

use crate::{
    admission::{self, Taken},
    deviations::Failure,
    machine::{Ended, Failed, Machine},
    modules,
    suites::File,
    tally::{Row, Tally},
    traps,
};

type Checked = Result<(), String>;

struct Script<M> {
    world: M,
    rules: AdmitRules,
    tally: Tally,
}

/// Runs all of a script with exactly these features, whatever fails on the way.
pub(crate) fn run<M: Machine>(engine: EngineId, file: &File, features: FeatureSet) -> (Row, Vec<Failure>) {
    let tally = Tally { files: 1, ..Tally::default() };
    let mut script = Script { world: M::new(features, file.text), rules: admission::rules(features), tally };
    let buffer = modules::buffer(file.text);
    let mut failures = Vec::new();
    for directive in modules::directives(&buffer) {
        let span = directive.span();
        let text_only = script.tally.text_only;
        match script.directive(directive) {
            Ok(()) if script.tally.text_only == text_only => script.tally.passed += 1,
            Ok(()) => {}
            Err(what) => failures.push(Failure { line: modules::line(span, file.text), what }),
        }
    }
    script.tally.deviations = failures.len().try_into().expect("fewer than 2^64");
    let added = features.minus(FeatureSet::DEFAULT);
    let added = if added.is_empty() { "(none)".into() } else { added.to_string() };
    (Row::new(engine, file, Some(added), script.tally), failures)
}

impl<M: Machine> Script<M> {
    fn directive(&mut self, directive: WastDirective<'_>) -> Checked {
        match directive {
            WastDirective::Module(module) => {
                let name = module.name();
                let module = self.valid(module)?;
                self.world.define(name, module.clone());
                self.world.instantiate(&module, name)
            }
            WastDirective::ModuleDefinition(module) => {
                let name = module.name();
                let module = self.valid(module)?;
                self.world.define(name, module);
                Ok(())
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let module = self.world.definition(module)?;
                self.world.instantiate(&module, instance)
            }
            WastDirective::AssertMalformed { module, .. } | WastDirective::AssertInvalid { module, .. } => self.invalid(module),
            WastDirective::AssertUnlinkable { module, .. } => self.unlinkable(QuoteWat::Wat(module)),
            WastDirective::Register { name, module, .. } => self.world.register(name, module),
            WastDirective::Invoke(invoke) => returned(self.world.invoke(&invoke)?).map(drop),
            WastDirective::AssertReturn { exec, results, .. } => self.returns(exec, &results),
            WastDirective::AssertTrap { exec, message, .. } => traps(self.execute(exec)?, message),
            WastDirective::AssertExhaustion { call, message, .. } => traps(self.world.invoke(&call)?, message),
            WastDirective::AssertException { exec, .. } => self.throws(exec),
            WastDirective::AssertSuspension { .. }
            | WastDirective::Thread(_)
            | WastDirective::Wait { .. }
            | WastDirective::AssertInvalidCustom { .. }
            | WastDirective::AssertMalformedCustom { .. } => Err("there is no such directive in a proposal that is enabled".into()),
        }
    }

    /// Admits and compiles.
    fn valid(&mut self, mut module: QuoteWat<'_>) -> Result<M::Module, String> {
        let bytes = module.encode().map_err(|error| format!("has no binary form: {error}"))?;
        let module = self.world.compile(&bytes).map_err(|error| format!("does not compile: {error}"))?;
        match M::takes(&bytes, &module, &self.rules)? {
            Taken::Admitted => self.tally.admitted += 1,
            Taken::ImportDenied => self.tally.denied += 1,
        }
        Ok(module)
    }

    /// Is refused by admission and, of itself, by the compiler.
    fn invalid(&mut self, mut module: QuoteWat<'_>) -> Checked {
        let Ok(bytes) = module.encode() else {
            self.tally.text_only += 1;
            return Ok(());
        };
        admission::refuses(&bytes, &self.rules)?;
        if self.world.compile(&bytes).is_ok() {
            return Err("the engine compiles an invalid module".into());
        }
        self.tally.refused += 1;
        Ok(())
    }

    fn unlinkable(&mut self, module: QuoteWat<'_>) -> Checked {
        let module = self.valid(module)?;
        match self.world.try_instantiate(&module) {
            Ok(_) => Err("links, though it must not".into()),
            Err(Failed::Otherwise(_)) => Ok(()),
            Err(failed) => Err(format!("links, and then fails: {failed}")),
        }
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Ended<M::Value>, String> {
        match exec {
            WastExecute::Invoke(invoke) => self.world.invoke(&invoke),
            WastExecute::Get { module, global, .. } => self.get(module, global),
            WastExecute::Wat(module) => {
                let module = self.valid(QuoteWat::Wat(module))?;
                Ok(match self.world.try_instantiate(&module) {
                    Ok(_) => Ended::Returned(Vec::new()),
                    Err(error) => Ended::Failed(error),
                })
            }
        }
    }

    fn get(&mut self, instance: Option<Id<'_>>, global: &str) -> Result<Ended<M::Value>, String> {
        self.world.get(instance, global).map(Ended::Returned)
    }

    fn returns(&mut self, exec: WastExecute<'_>, expected: &[WastRet<'_>]) -> Checked {
        let values = returned(self.execute(exec)?)?;
        if values.len() != expected.len() {
            return Err(format!("returns {} values instead of {}", values.len(), expected.len()));
        }
        for (value, expected) in values.iter().zip(expected) {
            let WastRet::Core(pattern) = expected else { return Err(format!("{expected:?} is no core value")) };
            match self.world.matches(value, pattern) {
                Ok(true) => {}
                Ok(false) => return Err(format!("returns {value:?} instead of {pattern:?}")),
                Err(error) => return Err(format!("returns a reference that cannot be looked at: {error}")),
            }
        }
        Ok(())
    }

    fn throws(&mut self, exec: WastExecute<'_>) -> Checked {
        match failed(self.execute(exec)?, "an exception")? {
            // It stays with the store until somebody takes it.
            Failed::Threw if self.world.take_exception() => Ok(()),
            Failed::Threw => Err("throws nothing".into()),
            other => Err(format!("fails otherwise than by an exception: {other}")),
        }
    }
}

fn returned<V>(ended: Ended<V>) -> Result<Vec<V>, String> {
    match ended {
        Ended::Returned(values) => Ok(values),
        Ended::Failed(failed) => Err(format!("fails: {failed}")),
    }
}

fn failed<V: std::fmt::Debug>(ended: Ended<V>, with: &str) -> Result<Failed, String> {
    match ended {
        Ended::Returned(values) => Err(format!("returns {values:?} instead of {with}")),
        Ended::Failed(failed) => Ok(failed),
    }
}

fn traps<V: std::fmt::Debug>(ended: Ended<V>, message: &str) -> Checked {
    let failed = failed(ended, &format!("the trap `{message}`"))?;
    if traps::is_called(&failed, message)? { Ok(()) } else { Err(format!("ends with {failed} instead of the trap `{message}`")) }
}
