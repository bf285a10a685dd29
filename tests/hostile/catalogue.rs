//! The catalogue of hostile guests.

use std::{collections::BTreeMap, fs, time::Duration};

use ambit_core::{EngineId, Isolation, Span};
use serde::Deserialize;

use crate::{adapted, door::guests, world};

/// One row: an attack, and what must become of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) title: String,
    module: String,
    /// An export to call instead of running a command.
    invoke: Option<String>,
    /// Opt-in features it needs; without them it must be refused.
    #[serde(default)]
    feature: Option<String>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    limits: BTreeMap<String, String>,
    #[serde(default)]
    grants: Grants,
    on_memory_refusal: Option<String>,
    cancel_after: Option<String>,
    pub(crate) expect: String,
    #[serde(default)]
    violations: Vec<String>,
    stdout_contains: Option<String>,
    #[serde(default)]
    pub(crate) scripted: bool,
    pub(crate) lifted: Option<Lifted>,
    pub(crate) no_lift: Option<String>,
    /// Whether the file is the one core module of a component, which imports what `wit/wasi.wit` has.
    #[serde(default)]
    world: bool,
    /// What becomes of it as a component, if that is something else: the adapter has its own way with what it gets.
    adapted: Option<String>,
    /// Why the attack is not made by preview 2 as well.
    not_adapted: Option<String>,
    /// What becomes of it on Wasmi, where that is something else.
    wasmi: Option<Otherwise>,
    /// Whether the program is made a component of.
    #[serde(skip)]
    adapt: bool,
    #[serde(default)]
    #[expect(dead_code, reason = "for readers of the catalogue")]
    why: Option<String>,
}

/// The same attack with its limit lifted or its grant given.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Lifted {
    invoke: Option<String>,
    features: Option<Vec<String>>,
    limits: Option<BTreeMap<String, String>>,
    grants: Option<Grants>,
    on_memory_refusal: Option<String>,
    cancel_after: Option<String>,
    expect: String,
    #[serde(default)]
    violations: Vec<String>,
    stdout_contains: Option<String>,
}

/// What becomes of an attack on another engine.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Otherwise {
    expect: Option<String>,
    /// The same with its limit lifted.
    lifted: Option<String>,
    /// Only at this level.
    isolation: Option<Isolation>,
    #[expect(dead_code, reason = "for readers of the catalogue")]
    why: String,
}

/// What a guest is given.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grants {
    #[serde(default)]
    pub(crate) args: Vec<String>,
    #[serde(default)]
    pub(crate) env: Vec<String>,
    pub(crate) stdin: Option<String>,
    #[serde(default)]
    pub(crate) dirs: Vec<String>,
    pub(crate) tmp: Option<String>,
}

/// One run of an attack, fully spelt out.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) module: Vec<u8>,
    pub(crate) invoke: Option<String>,
    pub(crate) features: Vec<String>,
    pub(crate) limits: BTreeMap<String, String>,
    pub(crate) grants: Grants,
    pub(crate) on_memory_refusal: Option<String>,
    pub(crate) cancel_after: Option<String>,
    pub(crate) expect: String,
    pub(crate) violations: Vec<String>,
    pub(crate) stdout_contains: Option<String>,
}

#[derive(Deserialize)]
struct Catalogue {
    attack: Vec<Row>,
}

/// Reads the catalogue.
pub(crate) fn read() -> Vec<Row> {
    let path = guests().join("hostile/catalogue.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    toml::from_str::<Catalogue>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).attack
}

impl Case {
    /// When somebody cancels the run.
    pub(crate) fn cancel_after(&self) -> Option<Duration> {
        self.cancel_after.as_deref().map(|after| after.parse::<Span>().expect("a duration").duration())
    }
}

impl Row {
    /// Features that the row needs.
    pub(crate) fn opt_in(&self) -> Vec<String> {
        self.feature.iter().chain(&self.features).cloned().collect()
    }

    /// The attack as the catalogue has it.
    pub(crate) fn case(&self) -> Case {
        Case {
            module: self.bytes(),
            invoke: self.invoke.clone(),
            features: self.opt_in(),
            limits: self.limits.clone(),
            grants: self.grants.clone(),
            on_memory_refusal: self.on_memory_refusal.clone(),
            cancel_after: self.cancel_after.clone(),
            expect: self.expect.clone(),
            violations: self.violations.clone(),
            stdout_contains: self.stdout_contains.clone(),
        }
    }

    /// The same attack by preview 2, where it can be made: the program behind an adapter.
    pub(crate) fn adapted(&self) -> Option<Row> {
        let by_preview1 = self.module.starts_with("wasi-") && self.invoke.is_none();
        let row = Row { adapt: true, ..self.clone() };
        (by_preview1 && self.not_adapted.is_none()).then(|| match &self.adapted {
            None => row,
            Some(expect) => {
                let no_lift = Some("it does not come to the limit".into());
                Row { expect: expect.clone(), violations: Vec::new(), lifted: None, no_lift, ..row }
            }
        })
    }

    /// The attack with its limit lifted or its grant given: what `lifted` names replaces what the row has.
    pub(crate) fn lifted_case(&self) -> Option<Case> {
        let lifted = self.lifted.as_ref()?;
        let mut case = self.case();
        case.invoke = lifted.invoke.clone().or(case.invoke);
        case.features = lifted.features.clone().unwrap_or(case.features);
        case.limits = lifted.limits.clone().unwrap_or(case.limits);
        case.grants = lifted.grants.clone().unwrap_or(case.grants);
        case.on_memory_refusal = lifted.on_memory_refusal.clone().or(case.on_memory_refusal);
        case.cancel_after = lifted.cancel_after.clone().or(case.cancel_after);
        case.expect = lifted.expect.clone();
        case.violations = lifted.violations.clone();
        case.stdout_contains = lifted.stdout_contains.clone();
        Some(case)
    }

    /// The same where another engine than the usual one runs it: what that cannot run it refuses by name, and what else differs the
    /// catalogue says.
    pub(crate) fn on(&self, engine: EngineId, isolation: Isolation, lifted: bool, case: Case) -> Case {
        let instead =
            |expect: &str, case: Case| Case { expect: expect.into(), violations: Vec::new(), stdout_contains: None, ..case };
        match (engine, &self.wasmi) {
            (EngineId::Wasmtime | EngineId::Wasmer, _) => case,
            (EngineId::Wasmi, Some(otherwise)) if otherwise.isolation.is_none_or(|only| only == isolation) => {
                match if lifted { &otherwise.lifted } else { &otherwise.expect } {
                    Some(expect) => instead(expect, case),
                    None => case,
                }
            }
            // Admission comes first, on whatever engine.
            (EngineId::Wasmi, _) if is_component(&case.module) && !case.expect.starts_with("rejected") => {
                instead("rejected:unsupported-feature", case)
            }
            (EngineId::Wasmi, _) => case,
        }
    }

    /// The module, assembled, generated or read; text stays text where the attack is that it does not assemble.
    fn bytes(&self) -> Vec<u8> {
        if let Some(id) = self.module.strip_prefix("bytes:") {
            return crate::bytes::generate(id).unwrap_or_else(|| panic!("{}: nothing generates `{id}`", self.id));
        }
        let path = match self.module.strip_prefix("bin:") {
            Some(name) => guests().join("bin/hostile").join(format!("{name}.wasm")),
            None => guests().join("hostile").join(&self.module),
        };
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        let module = wat::parse_bytes(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_owned();
        match (self.adapt, self.world) {
            (true, _) => adapted::program(&module),
            (false, true) => world::component(module),
            (false, false) => module,
        }
    }
}

/// By its preamble: a component's has a layer.
fn is_component(bytes: &[u8]) -> bool {
    bytes.get(..8) == Some(b"\0asm\x0d\0\x01\0")
}
