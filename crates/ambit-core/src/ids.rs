//! Small names: of engines, isolation levels and runs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} `{given}`; {hint}")]
pub struct UnknownName {
    what: &'static str,
    given: String,
    hint: String,
}

/// The most names that an error lists.
const MOST_NAMED: usize = 64;

impl UnknownName {
    /// An error that names the nearest known name, or all of them if none is near.
    pub fn new<'a>(what: &'static str, given: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let given = crate::text::escape(given, 64);
        let mut known: Vec<&str> = known.collect();
        let mut seen = std::collections::HashSet::new();
        known.retain(|name| seen.insert(*name));
        let nearest = known.iter().map(|name| (distance(&given, name), name)).min();
        let hint = match nearest {
            Some((distance, name)) if distance <= 1 + name.len() / 4 => format!("did you mean `{name}`?"),
            _ if known.len() > MOST_NAMED => {
                format!("known are {} and {} more", known[..MOST_NAMED].join(", "), known.len() - MOST_NAMED)
            }
            _ => format!("known are {}", known.join(", ")),
        };
        Self { what, given, hint }
    }
}

/// Edit distance of two short names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Declares an enum of names with `ALL`, `name`, `Display` and `FromStr`.
macro_rules! names {
    ($(#[$doc:meta])* $Name:ident, $what:literal; $( $(#[$vdoc:meta])* $Variant:ident = $name:literal, )*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $Name { $( $(#[$vdoc])* $Variant, )* }

        impl $Name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$( Self::$Variant, )*];

            /// The name in flags, configuration and reports.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$Variant => $name, )* }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $Name {
            type Err = $crate::ids::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|name| name.name() == text).ok_or_else(|| {
                    $crate::ids::UnknownName::new($what, text, Self::ALL.iter().map(|name| name.name()))
                })
            }
        }
    };
}
pub(crate) use names;

names! {
    /// What compiles and runs modules.
    EngineId, "engine";
    /// Wasmtime with Cranelift.
    Wasmtime = "wasmtime",
    /// Wasmi, an interpreter.
    Wasmi = "wasmi",
    /// Wasmer with Cranelift or Singlepass.
    Wasmer = "wasmer",
}

impl EngineId {
    /// Whether it compiles modules to machine code, ahead and in a process of their own. One that does not works from the module itself.
    pub const fn compiles(self) -> bool {
        match self {
            EngineId::Wasmtime | EngineId::Wasmer => true,
            EngineId::Wasmi => false,
        }
    }
}

names! {
    /// Which walls stand around a guest besides wasm itself.
    Isolation, "isolation level";
    /// In the caller's process: wasm is the only wall.
    None = "none",
    /// In a jailed worker process shared by one tenant's guests.
    Tenant = "tenant",
    /// In a jailed worker process of its own.
    Process = "process",
}

names! {
    /// What makes a guest stop that does not do so of itself.
    Metering, "way of metering";
    /// Checks in its code: it shares its process with others.
    Epochs = "epochs",
    /// The kernel, which ends its process: it is alone there, and its code has no checks.
    Kernel = "kernel",
}

/// One run of one guest, unique within the process that started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{}", self.0)
    }
}

impl FromStr for RunId {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = text.strip_prefix("run-").and_then(|digits| digits.parse().ok());
        id.map(Self).ok_or_else(|| UnknownName::new("run", text, ["run-1"].into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_or_all() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<EngineId>().expect_err("unknown").to_string(), expect);
        };
        check("wasmtme", "there is no engine `wasmtme`; did you mean `wasmtime`?");
        check("v8", "there is no engine `v8`; known are wasmtime, wasmi, wasmer");
        check("\x1b[2J", "there is no engine `\\u{1b}[2J`; known are wasmtime, wasmi, wasmer");
    }
}
