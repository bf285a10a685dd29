//! `ambit diff`: what one module can do that another cannot.

use std::{collections::BTreeSet, path::PathBuf};

use ambit_admit::{Verified, could_ask_for, risk};
use ambit_core::{Outcome, escape};
use clap::ValueHint;
use serde::Serialize;

use super::{
    module_source::ModuleSource,
    outcome_text, read_module,
    store::{NO, size},
};
use crate::{output, registry_args::PullArgs, store_args::StoreArgs, table};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit diff tools/minify@1.1.0 tools/minify@1.2.0
  ambit diff old.wasm new.wasm
  ambit diff --json old.wasm new.wasm | jq .grants.added

Nothing runs. Exit status: 0 if the second asks for nothing that the first does not (imports, features, grants); 1 if it does; 126 if
one could never be admitted.")]
pub(crate) struct Args {
    /// The one: a file; one of the store: NAME, NAME@VERSION, NAME:TAG, sha256:…; or an image
    #[arg(value_hint = ValueHint::FilePath)]
    old: PathBuf,
    /// The other
    #[arg(value_hint = ValueHint::FilePath)]
    new: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    pull: PullArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Bytes of what is shown of one thing.
const LONGEST: usize = 300;

/// What differs.
#[derive(Debug, Serialize)]
struct Diff {
    old: Side,
    new: Side,
    /// The second asks for something that the first does not.
    asks_for_more: bool,
    imports: Change,
    exports: Change,
    features: Change,
    /// What it could ask for.
    grants: Change,
    memories: Change,
    tables: Change,
    /// Facts that are worth knowing.
    facts: Change,
    /// Counts that are not the same: what, before, after.
    shape: Vec<(&'static str, u64, u64)>,
}

#[derive(Debug, Serialize)]
struct Side {
    module: String,
    kind: String,
    digest: String,
    bytes: usize,
}

/// What only one of them has.
#[derive(Debug, Serialize)]
struct Change {
    added: Vec<String>,
    removed: Vec<String>,
}

impl Change {
    /// Compared as they are, and shown escaped.
    fn of(old: BTreeSet<String>, new: BTreeSet<String>) -> Self {
        let shown = |text: &String| escape(text, LONGEST);
        Self { added: new.difference(&old).map(shown).collect(), removed: old.difference(&new).map(shown).collect() }
    }

    fn is_none(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    if args.old == args.new && args.old.as_os_str() == "-" {
        output::error("stdin is one module, and cannot be both");
        return Ok(super::USAGE);
    }
    let mut modules = Vec::new();
    for word in [&args.old, &args.new] {
        let source = ModuleSource::of(word, &args.store, &args.pull);
        match source.read(&read_module::anything()) {
            Ok(module) => modules.push((source.to_string(), module)),
            Err(rejection) => {
                let outcome = Outcome::Rejected(rejection);
                output::error(&format!("{source}: {}", outcome_text::describe(&outcome)));
                return Ok(outcome.exit_status());
            }
        }
    }
    let [(old_name, old), (new_name, new)] = modules.as_slice() else { unreachable!("two were read") };
    let diff = compare((old_name, old), (new_name, new));
    if args.json {
        output::json(&diff)?;
    } else {
        print(&diff)?;
    }
    Ok(if diff.asks_for_more { NO } else { 0 })
}

fn compare((old_name, old): (&str, &Verified), (new_name, new): (&str, &Verified)) -> Diff {
    let of = |list: fn(&Verified) -> BTreeSet<String>| Change::of(list(old), list(new));
    let imports = of(|module| module.imports().iter().map(|one| text(Some(&one.module), &one.name, &one.ty)).collect());
    let features = of(|module| module.features().iter().map(|feature| feature.to_string()).collect());
    let grants = of(|module| could_ask_for(module).into_iter().map(|(grant, _)| grant.name().to_owned()).collect());
    let counts = |module: &Verified| module.shape().iter().map(|(key, found)| (key.name(), found)).collect::<Vec<_>>();
    let shape = counts(old).into_iter().zip(counts(new));
    Diff {
        old: side(old_name, old),
        new: side(new_name, new),
        asks_for_more: [&imports, &features, &grants].iter().any(|change| !change.added.is_empty()),
        imports,
        exports: of(|module| module.exports().iter().map(|one| text(one.interface.as_deref(), &one.name, &one.ty)).collect()),
        features,
        grants,
        memories: of(|module| numbered(module.memories())),
        tables: of(|module| numbered(module.tables())),
        facts: of(|module| risk(module).into_iter().map(|risk| risk.fact).collect()),
        shape: shape.filter(|((_, old), (_, new))| old != new).map(|((name, old), (_, new))| (name, old, new)).collect(),
    }
}

fn side(name: &str, module: &Verified) -> Side {
    Side {
        module: escape(name, 200),
        kind: module.kind().to_string(),
        digest: module.digest().to_string(),
        bytes: module.bytes().len(),
    }
}

fn text(from: Option<&str>, name: &str, ty: &impl std::fmt::Display) -> String {
    let from = from.filter(|from| !from.is_empty()).map(|from| format!("{from} ")).unwrap_or_default();
    format!("{from}{name}: {ty}")
}

fn numbered(list: &[impl std::fmt::Display]) -> BTreeSet<String> {
    list.iter().enumerate().map(|(number, one)| format!("{number}: {one}")).collect()
}

fn print(diff: &Diff) -> anyhow::Result<()> {
    let Diff { old, new, asks_for_more, imports, exports, features, grants, memories, tables, facts, shape } = diff;
    let rows = [old, new].map(|side| {
        let Side { module, kind, digest, bytes } = side;
        vec![module.clone(), kind.clone(), digest[..19].to_owned(), size(*bytes as u64)]
    });
    table::print(&["MODULE", "KIND", "DIGEST", "SIZE"], &rows)?;
    if old.digest == new.digest {
        output::data("They are the same module.")?;
        return Ok(());
    }
    let parts = [
        ("Could ask for", grants),
        ("Features", features),
        ("Imports", imports),
        ("Exports", exports),
        ("Memories", memories),
        ("Tables", tables),
        ("Facts worth knowing", facts),
    ];
    for (title, change) in parts {
        if change.is_none() {
            continue;
        }
        output::heading(&format!("\n{title}"))?;
        let Change { added, removed } = change;
        for (mark, one) in removed.iter().map(|one| ("-", one)).chain(added.iter().map(|one| ("+", one))) {
            output::data(&format!("  {mark} {one}"))?;
        }
    }
    if !shape.is_empty() {
        output::heading("\nCounts")?;
        let rows = shape.iter().map(|(name, old, new)| vec![format!("  {name}"), old.to_string(), new.to_string()]);
        table::print(&["  WHAT", "BEFORE", "AFTER"], &rows.collect::<Vec<_>>())?;
    }
    let more = if *asks_for_more {
        "The second asks for imports, features or grants that the first does not."
    } else {
        "The second asks for no import, feature or grant that the first does not."
    };
    output::data(&format!("\n{more}"))
}
