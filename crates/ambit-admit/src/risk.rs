//! What a module could do that its operator should know of, from facts alone.

use std::fmt;

use ambit_core::{ByteSize, FeatureSet};
use serde::Serialize;

use crate::{
    uses::{self, Use, sample},
    verified::Verified,
};

/// Initial memory from which on it is remarkable.
const LARGE_MEMORY: u64 = 64 << 20;
/// Size of a function body from which on it is remarkable: compilers take more than proportional time.
const LARGE_BODY: u64 = 256 << 10;
const PAGE: u64 = 64 << 10;

/// One fact worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// How much it matters.
    pub severity: Severity,
    /// What was found.
    pub fact: String,
    /// Why it matters, and what bounds it.
    pub why: String,
}

/// How much a fact matters. None of them is an accusation, and the lack of warnings no acquittal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Common, and good to know.
    Info,
    /// Less common, or of weight if granted.
    Notice,
    /// Look before you grant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Info => "info",
            Severity::Notice => "notice",
            Severity::Warning => "warning",
        })
    }
}

/// The facts worth knowing of a module, the weightiest first. There is no verdict: nothing here looks at what the code
/// computes, and a module without any remarkable fact can still be made to waste whatever it is given.
pub fn risk(module: &Verified) -> Vec<Risk> {
    let mut found = Vec::new();
    let mut add = |severity, fact: String, why: &str| found.push(Risk { severity, fact, why: why.into() });
    imports(module, &mut add);
    memory(module, &mut add);
    code(module, &mut add);
    oddities(module, &mut add);
    found.sort_by_key(|risk| std::cmp::Reverse(risk.severity));
    found
}

fn imports(module: &Verified, add: &mut impl FnMut(Severity, String, &str)) {
    let uses = uses::of(module);
    if module.imports().is_empty() {
        add(Severity::Info, "it imports nothing".into(), "it can compute and return results, and reach nothing outside");
    }
    for (one, names) in &uses {
        let names = sample(names);
        match one {
            Use::Arguments => {}
            Use::Environment => add(
                Severity::Notice,
                format!("it reads the environment ({names})"),
                "variables often hold secrets; it sees only those granted",
            ),
            Use::Input => {
                add(Severity::Info, format!("it reads standard input or open files ({names})"), "there is no input unless granted")
            }
            Use::OpenFiles => add(
                Severity::Notice,
                format!("it opens files ({names})"),
                "it sees only granted directories, read-only unless they are granted `rw`",
            ),
            Use::ChangeFiles => add(
                Severity::Warning,
                format!("it changes or removes files ({names})"),
                "only in directories granted `rw`, within `disk`, `file-size` and `files`",
            ),
            Use::Connect => add(
                Severity::Warning,
                format!("it opens network connections ({names})"),
                "what it can read it could send; only to granted addresses",
            ),
            Use::Listen => add(
                Severity::Warning,
                format!("it accepts network connections ({names})"),
                "others could reach it; only on granted addresses",
            ),
            Use::Clocks => add(
                Severity::Info,
                format!("it reads clocks ({names})"),
                "fine clocks make timing attacks cheap; they are rounded unless `clock` is granted as `real`",
            ),
            Use::Random => add(
                Severity::Info,
                format!("it reads random numbers ({names})"),
                "runs differ; `--random SEED` makes them repeatable",
            ),
        }
    }
}

fn memory(module: &Verified, add: &mut impl FnMut(Severity, String, &str)) {
    let bytes = |pages: u64| pages.saturating_mul(PAGE);
    let own: Vec<_> = module.memories().iter().filter(|memory| !memory.imported).collect();
    let start = bytes(own.iter().fold(0, |sum, memory| sum.saturating_add(memory.min_pages)));
    if start >= LARGE_MEMORY {
        add(
            Severity::Notice,
            format!("it starts with {} of memory", show(start)),
            "more than many limits allow: it then does not start",
        );
    }
    if !module.code().grows_memory || own.is_empty() {
        return;
    }
    let most = own.iter().try_fold(0u64, |sum, memory| memory.max_pages.map(|max| sum.saturating_add(max)));
    match most {
        Some(pages) => add(
            Severity::Info,
            format!("it can grow its memory up to {}", show(bytes(pages))),
            "less if the limit `memory` is less",
        ),
        None => add(Severity::Notice, "it can grow its memory and sets no maximum".into(), "only the limit `memory` bounds it"),
    }
}

fn code(module: &Verified, add: &mut impl FnMut(Severity, String, &str)) {
    let code = module.code();
    if code.start {
        add(
            Severity::Notice,
            "a start function runs at instantiation".into(),
            "code runs before anything is called, under the same limits",
        );
    }
    if code.indirect_calls {
        add(
            Severity::Info,
            "it calls functions through tables or references".into(),
            "what it calls is only known at run time; types are checked at each call",
        );
    }
    if code.grows_tables {
        add(Severity::Info, "it can grow its tables".into(), "the limits `table-elements` and `memory` bound them");
    }
    if let Some((index, size)) = code.largest_function.filter(|(_, size)| *size >= LARGE_BODY) {
        add(
            Severity::Notice,
            format!("function {index} has a body of {}", show(size)),
            "compilers take more than proportional time for large functions",
        );
    }
    let unusual = module.features().minus(FeatureSet::DEFAULT);
    if !unusual.is_empty() {
        add(
            Severity::Notice,
            format!("it needs features that are off by default: {unusual}"),
            "newer parts of an engine are less tried",
        );
    }
}

fn oddities(module: &Verified, add: &mut impl FnMut(Severity, String, &str)) {
    let names = module.exports().iter().map(|export| &export.name).chain(module.imports().iter().map(|import| &import.name));
    let strange = names.filter(|name| ambit_core::escape(name, name.len()) != **name).count();
    if strange > 0 {
        add(
            Severity::Warning,
            format!("{strange} of its names have control characters or the like"),
            "shown unescaped they could forge output; no honest tool makes them",
        );
    }
    let customs = module.customs();
    if !customs.names && module.code().code_bytes > 0 {
        add(Severity::Info, "its functions have no names".into(), "it was stripped: stack traces will show numbers");
    }
    let size = u64::try_from(module.bytes().len()).unwrap_or(u64::MAX);
    if customs.bytes > size / 2 {
        add(
            Severity::Info,
            format!("{} of its {} are custom sections", show(customs.bytes), show(size)),
            "they are stored and never run",
        );
    }
    if module.code().nested_modules > 0 {
        let fact = format!("it is made of {} core modules", module.code().nested_modules);
        add(Severity::Info, fact, "they share what the component is granted");
    }
}

/// A size in a unit that fits, rounded down.
fn show(bytes: u64) -> String {
    let unit = [1u64 << 30, 1 << 20, 1 << 10].into_iter().find(|unit| bytes >= 10 * unit).unwrap_or(1);
    ByteSize::bytes(bytes / unit * unit).to_string()
}
