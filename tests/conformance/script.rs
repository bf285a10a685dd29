//! Runs a script, directive by directive.

use ambit_admit::AdmitRules;
use ambit_core::FeatureSet;
use wasmtime::{Error, Module, ThrownException, Trap};
use wast::{QuoteWat, WastDirective, WastExecute, WastRet, token::Id};

use crate::{
    admission::{self, Taken},
    deviations::Failure,
    modules, pattern,
    suites::File,
    tally::{Row, Tally},
    traps,
    world::{Ended, World},
};

type Checked = Result<(), String>;

struct Script {
    world: World,
    rules: AdmitRules,
    tally: Tally,
}

/// Runs all of a script with exactly these features, whatever fails on the way.
pub(crate) fn run(file: &File, features: FeatureSet) -> (Row, Vec<Failure>) {
    let tally = Tally { files: 1, ..Tally::default() };
    let mut script = Script { world: World::new(features), rules: admission::rules(features), tally };
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
    (Row::new(file, Some(added), script.tally), failures)
}

impl Script {
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
    fn valid(&mut self, mut module: QuoteWat<'_>) -> Result<Module, String> {
        let bytes = module.encode().map_err(|error| format!("has no binary form: {error}"))?;
        let module = self.world.compile(&bytes).map_err(|error| format!("does not compile: {error:#}"))?;
        match admission::takes(&bytes, &module, &self.rules)? {
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
            Err(error) if error.is::<Trap>() || error.is::<ThrownException>() => Err(format!("links, and then fails: {error:#}")),
            Err(_) => Ok(()),
        }
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Ended, String> {
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

    fn get(&mut self, instance: Option<Id<'_>>, global: &str) -> Result<Ended, String> {
        self.world.get(instance, global).map(Ended::Returned)
    }

    fn returns(&mut self, exec: WastExecute<'_>, expected: &[WastRet<'_>]) -> Checked {
        let values = returned(self.execute(exec)?)?;
        if values.len() != expected.len() {
            return Err(format!("returns {} values instead of {}", values.len(), expected.len()));
        }
        for (value, expected) in values.iter().zip(expected) {
            let WastRet::Core(pattern) = expected else { return Err(format!("{expected:?} is no core value")) };
            match pattern::matches(value, pattern, &mut self.world.store) {
                Ok(true) => {}
                Ok(false) => return Err(format!("returns {value:?} instead of {pattern:?}")),
                Err(error) => return Err(format!("returns a reference that cannot be looked at: {error:#}")),
            }
        }
        Ok(())
    }

    fn throws(&mut self, exec: WastExecute<'_>) -> Checked {
        let error = failed(self.execute(exec)?, "an exception")?;
        if !error.is::<ThrownException>() {
            return Err(format!("fails otherwise than by an exception: {error:#}"));
        }
        // It stays with the store until somebody takes it.
        self.world.store.take_pending_exception().map(drop).ok_or_else(|| "throws nothing".into())
    }
}

fn returned(ended: Ended) -> Result<Vec<wasmtime::Val>, String> {
    match ended {
        Ended::Returned(values) => Ok(values),
        Ended::Failed(error) => Err(format!("fails: {error:#}")),
    }
}

fn failed(ended: Ended, with: &str) -> Result<Error, String> {
    match ended {
        Ended::Returned(values) => Err(format!("returns {values:?} instead of {with}")),
        Ended::Failed(error) => Ok(error),
    }
}

fn traps(ended: Ended, message: &str) -> Checked {
    let error = failed(ended, &format!("the trap `{message}`"))?;
    let trap = error.downcast_ref::<Trap>().ok_or_else(|| format!("fails otherwise than by a trap: {error:#}"))?;
    if traps::is_called(*trap, message)? { Ok(()) } else { Err(format!("traps with `{trap}` instead of `{message}`")) }
}
