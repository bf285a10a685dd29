//! Which engine is to run something: those that can, and of them the one that is liked best.

use std::{fmt, str::FromStr};

use crate::{
    capabilities::EngineCapabilities,
    feature::Feature,
    ids::{EngineId, UnknownName, names},
    limits::LimitKey,
};

names! {
    /// Something else than a feature or a limit that an engine is to have.
    Ability, "ability";
    /// Components run.
    Components = "components",
    /// Guests give the thread back at the end of a slice.
    Yields = "yields",
    /// Start functions are bounded like any other code.
    StartInterruptible = "start-interruptible",
    /// Bulk operations cost fuel by their length.
    BulkFuel = "bulk-fuel",
    /// Two runs with the same inputs give the same bits.
    Deterministic = "deterministic",
    /// Traps carry a symbolised stack.
    StackTrace = "stack-trace",
    /// No machine code is made of a module, so that no memory need ever be executable.
    NoCode = "no-code",
}

/// Something that an engine must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// It runs modules that need this.
    Feature(Feature),
    /// It enforces this.
    Limit(LimitKey),
    /// It can do this.
    Ability(Ability),
}

/// What is liked of an engine that has all that it must have, each by its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// That code is fast.
    pub speed: u32,
    /// That a module that nobody has seen yet begins soon.
    pub start: u32,
}

/// Which engine is to run something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// It, if there is one.
    pub engine: Option<EngineId>,
    /// Why not the others, in the order in which they were given: all that each lacks, or that it is liked less.
    pub others: Vec<(EngineId, String)>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { speed: 1, start: 0 }
    }
}

impl Preferences {
    /// How much an engine is liked. The marks, of ten, are those of the table in `docs/engines.md`, rounded: what one is ten times better
    /// at than another makes ten to one.
    fn of(self, engine: EngineId) -> u64 {
        let (speed, start) = match engine {
            EngineId::Wasmtime => (10, 1),
            EngineId::Wasmer => (9, 1),
            EngineId::Wasmi => (1, 10),
        };
        u64::from(self.speed) * speed + u64::from(self.start) * start
    }
}

impl Requirement {
    /// Whether an engine meets it.
    fn is_met_by(self, engine: &EngineCapabilities) -> bool {
        match self {
            Requirement::Feature(feature) => engine.features.contains(feature),
            Requirement::Limit(limit) => engine.limits.contains(&limit),
            Requirement::Ability(ability) => match ability {
                Ability::Components => engine.components,
                Ability::Yields => engine.yields,
                Ability::StartInterruptible => engine.start_interruptible,
                Ability::BulkFuel => engine.bulk_fuel_by_length,
                Ability::Deterministic => engine.deterministic,
                Ability::StackTrace => engine.stack_trace,
                Ability::NoCode => engine.compiler.is_none(),
            },
        }
    }
}

/// Chooses among engines. Of two that are liked alike, the first.
pub fn choose(engines: &[EngineCapabilities], requirements: &[Requirement], preferences: Preferences) -> Choice {
    let lacks = |engine: &EngineCapabilities| -> Vec<String> {
        requirements.iter().filter(|requirement| !requirement.is_met_by(engine)).map(|lacking| format!("`{lacking}`")).collect()
    };
    let able = engines.iter().map(|engine| engine.engine).zip(engines.iter().map(lacks));
    let best = able.clone().filter(|(_, lacks)| lacks.is_empty()).rev().max_by_key(|(engine, _)| preferences.of(*engine));
    let engine = best.map(|(engine, _)| engine);
    let others = able.filter(|(other, _)| Some(*other) != engine).map(|(other, lacks)| {
        let why = match (lacks.is_empty(), engine) {
            (true, Some(engine)) => {
                format!("it would do, and is liked less: {} to {} of {engine}", preferences.of(other), preferences.of(engine))
            }
            _ => format!("it lacks {}", lacks.join(", ")),
        };
        (other, why)
    });
    Choice { engine, others: others.collect() }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Requirement::Feature(feature) => feature.name(),
            Requirement::Limit(limit) => limit.name(),
            Requirement::Ability(ability) => ability.name(),
        })
    }
}

impl FromStr for Requirement {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if let Ok(feature) = text.parse() {
            return Ok(Requirement::Feature(feature));
        }
        if let Some(&limit) = LimitKey::ALL.iter().find(|limit| limit.name() == text) {
            return Ok(Requirement::Limit(limit));
        }
        let known = Ability::ALL.iter().map(|ability| ability.name());
        let known =
            known.chain(Feature::ALL.iter().map(|feature| feature.name())).chain(LimitKey::ALL.iter().map(|limit| limit.name()));
        text.parse().map(Requirement::Ability).map_err(|_| UnknownName::new("requirement of engines", text, known))
    }
}

/// A preference that is none, or not of the form `NAME=WEIGHT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePreferenceError {
    /// There is no such preference.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// The weight is no number.
    #[error("`{0}` is no weight; give a whole number up to 1000, as in start=3")]
    Weight(String),
}

impl FromStr for Preferences {
    type Err = ParsePreferenceError;

    /// `speed=1,start=3`; what is not named weighs nothing, and a name alone weighs 1.
    fn from_str(text: &str) -> Result<Self, ParsePreferenceError> {
        let mut preferences = Preferences { speed: 0, start: 0 };
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let weighed = weight.parse().ok().filter(|&weight: &u32| weight <= 1000);
            let weighed = weighed.ok_or_else(|| ParsePreferenceError::Weight(crate::text::escape(weight, 64)))?;
            match name {
                "speed" => preferences.speed = weighed,
                "start" => preferences.start = weighed,
                other => return Err(UnknownName::new("preference", other, ["speed", "start"].into_iter()).into()),
            }
        }
        Ok(preferences)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::FeatureSet;

    fn engine(engine: EngineId, features: &[Feature], limits: &[LimitKey]) -> EngineCapabilities {
        EngineCapabilities {
            engine,
            version: "1".into(),
            compiler: engine.compiles().then(|| "a compiler".into()),
            features: features.iter().copied().collect::<FeatureSet>(),
            components: engine.compiles(),
            limits: limits.to_vec(),
            yields: true,
            start_interruptible: true,
            bulk_fuel_by_length: true,
            deterministic: true,
            stack_trace: engine.compiles(),
            pooling: false,
        }
    }

    #[test]
    fn the_engine_that_can_is_chosen_and_the_others_are_told_why_not() {
        let engines = [
            engine(EngineId::Wasmtime, &[Feature::Simd, Feature::Gc], &[LimitKey::Fuel]),
            engine(EngineId::Wasmi, &[Feature::Simd], &[LimitKey::Fuel]),
        ];
        let check = |requirements: &str, preferences: &str, expect: Option<EngineId>, why: &str| {
            let requirements: Vec<Requirement> = requirements.split(',').map(|name| name.parse().expect("known")).collect();
            let choice = choose(&engines, &requirements, preferences.parse().expect("known"));
            assert_eq!(choice.engine, expect, "{requirements:?}");
            assert_eq!(choice.others[0].1, why);
        };
        let (wasmtime, wasmi) = (Some(EngineId::Wasmtime), Some(EngineId::Wasmi));
        check("simd,fuel", "speed", wasmtime, "it would do, and is liked less: 1 to 10 of wasmtime");
        check("simd,fuel", "speed=1,start=3", wasmi, "it would do, and is liked less: 13 to 31 of wasmi");
        check("gc,components", "start", wasmtime, "it lacks `gc`, `components`");
        check("no-code", "speed", wasmi, "it lacks `no-code`");
        check("no-code,gc", "speed", None, "it lacks `no-code`");
    }

    #[test]
    fn names_are_known_or_suggested() {
        let wrong = "simdd".parse::<Requirement>().expect_err("unknown").to_string();
        assert_eq!(wrong, "there is no requirement of engines `simdd`; did you mean `simd`?");
        assert_eq!("stack".parse(), Ok(Requirement::Limit(LimitKey::Stack)));
        assert_eq!("speed=0".parse(), Ok(Preferences { speed: 0, start: 0 }));
        let wrong = |text: &str| text.parse::<Preferences>().expect_err("wrong").to_string();
        assert_eq!(wrong("spede"), "there is no preference `spede`; did you mean `speed`?");
        assert_eq!(wrong("speed=-1"), "`-1` is no weight; give a whole number up to 1000, as in start=3");
    }
}
