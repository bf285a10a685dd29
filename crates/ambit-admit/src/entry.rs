//! The ways in which a module can be run as a program.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    interface::Interface,
    types::{ExternType, FuncType, ValType},
    verified::{Export, ModuleKind},
};

/// A way to run a module as a program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// `_start`: a WASI preview 1 command, run once from start to end.
    Start,
    /// The interface `wasi:cli/run`, with its version: a WASI preview 2 command, run once from start to end.
    Run(String),
    /// `main`: a function without arguments, or with the C convention, that gives an exit code.
    Main,
    /// `_initialize`: a WASI preview 1 reactor, to be called once before any other export.
    Initialize,
}

impl Entry {
    /// The entries that `exports` offer, the usual one first. An export of the right name and another type is none.
    pub(crate) fn find(kind: ModuleKind, exports: &[Export]) -> Vec<Entry> {
        if kind == ModuleKind::Component {
            return exports.iter().filter_map(run).collect();
        }
        let mut found = Vec::new();
        for (entry, name) in [(Entry::Start, "_start"), (Entry::Main, "main"), (Entry::Initialize, "_initialize")] {
            let func = exports.iter().find(|export| export.name == name).and_then(|export| match &export.ty {
                ExternType::Func(ty) => Some(ty),
                _ => None,
            });
            if func.is_some_and(|ty| entry.fits(ty)) {
                found.push(entry);
            }
        }
        found
    }

    fn fits(&self, ty: &FuncType) -> bool {
        let (params, results) = (ty.params.as_slice(), ty.results.as_slice());
        match self {
            Entry::Main => matches!(params, [] | [ValType::I32, ValType::I32]) && matches!(results, [] | [ValType::I32]),
            Entry::Start | Entry::Initialize => params.is_empty() && results.is_empty(),
            Entry::Run(_) => false,
        }
    }
}

fn run(export: &Export) -> Option<Entry> {
    let interface = export.interface.as_deref()?;
    let known = Interface::parse(interface).is_some_and(|i| i.package == "wasi:cli" && i.name == "run" && i.is_preview2());
    let is_func = matches!(export.ty, ExternType::ComponentFunc(_));
    (known && is_func && export.name == "run").then(|| Entry::Run(interface.into()))
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Entry::Start => "_start",
            Entry::Run(interface) => interface,
            Entry::Main => "main",
            Entry::Initialize => "_initialize",
        })
    }
}
