//! `ambit inspect`

mod world;

use std::path::PathBuf;

use ambit_admit::{CustomSection, ModuleKind, Severity, Verified};
use ambit_core::{ByteSize, Feature, LimitValue, Outcome, Profile, ShapeKey, ShapeLimits, escape};
use serde::Serialize;

use self::world::{Needed, World};
use super::{module_source::ModuleSource, outcome_text, read_module};
use crate::{output, registry_args::PullArgs, store_args::StoreArgs, table};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit inspect program.wasm\n  ambit inspect --profile terminal program.wasm\n  ambit inspect --json program.wasm | jq .imports\n  ambit inspect tools/minify@1.0.0\n\nNothing runs. Exit status 126 if the module could never be admitted."
)]
pub(crate) struct Args {
    /// The module: a file, binary or text; - for stdin; or one of the store: NAME, NAME@VERSION, NAME:TAG, sha256:…;
    /// or an image: REGISTRY/PATH:TAG
    module: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    pull: PullArgs,
    /// Compare with the limits and features of this profile
    #[arg(long, default_value = "default")]
    profile: Profile,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What there is to say about a module.
#[derive(Serialize)]
struct Inspection {
    kind: String,
    digest: String,
    bytes: usize,
    /// Whose limits and features it is compared with.
    profile: Profile,
    /// Ways to run it as a program.
    programs: Vec<String>,
    /// Features it needs.
    features: Vec<Feature>,
    /// Those of them that the profile does not allow unasked.
    opt_in: Vec<Feature>,
    imports: Vec<Item>,
    exports: Vec<Item>,
    memories: Vec<String>,
    tables: Vec<String>,
    shape: Vec<Measure>,
    custom_sections: Customs,
    /// Of a component.
    world: Option<World>,
    /// Why the world of a component is not shown.
    world_unread: Option<String>,
    /// Modules and components within it.
    nested: Vec<Inner>,
    could_ask_for: Vec<Wish>,
    risks: Vec<ambit_admit::Risk>,
}

#[derive(Serialize)]
struct Item {
    name: String,
    #[serde(rename = "type")]
    ty: String,
}

#[derive(Serialize)]
struct Measure {
    name: &'static str,
    found: u64,
    limit: String,
    within: bool,
}

#[derive(Serialize)]
struct Customs {
    count: u64,
    bytes: u64,
    names: bool,
    producers: bool,
    dwarf: bool,
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    name: String,
    bytes: u64,
}

#[derive(Serialize)]
struct Inner {
    kind: String,
    depth: u64,
    bytes: u64,
    imports: u64,
    exports: u64,
}

#[derive(Serialize)]
struct Wish {
    grant: &'static str,
    because: String,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    // What the module breaks of the usual limits is shown, not refused.
    match ModuleSource::of(&args.module, &args.store, &args.pull).read(&read_module::anything()) {
        Ok(module) => {
            let inspection = inspect(&module, args.profile);
            if args.json {
                output::json(&inspection)?
            } else {
                print(&inspection)?
            }
            Ok(0)
        }
        Err(rejection) => {
            let outcome = Outcome::Rejected(rejection);
            output::error(&outcome_text::describe(&outcome));
            Ok(outcome.exit_status())
        }
    }
}

fn inspect(module: &Verified, profile: Profile) -> Inspection {
    let policy = profile.policy();
    let shape: Vec<Measure> = module.shape().iter().map(|(key, found)| measure(&policy.limits.shape, key, found)).collect();
    let customs = module.customs();
    let (world, world_unread) = match module.kind() {
        ModuleKind::Core => (None, None),
        // Its reader keeps a copy of a type for whoever has it: what goes beyond the usual bounds could be any amount of memory.
        ModuleKind::Component if shape.iter().any(|measure| !measure.within) => {
            (None, Some(format!("it goes beyond static limits of the profile `{profile}`, which are marked")))
        }
        ModuleKind::Component => match world::world(module.bytes()) {
            Ok(world) => (Some(world), None),
            Err(why) => (None, Some(why)),
        },
    };
    let section = |section: &CustomSection| Section { name: section.name.clone(), bytes: section.size };
    Inspection {
        kind: module.kind().to_string(),
        digest: module.digest().to_string(),
        bytes: module.bytes().len(),
        profile,
        programs: module.entries().iter().map(|entry| escape(entry.to_string(), 128)).collect(),
        features: module.features().iter().collect(),
        opt_in: module.features().minus(policy.features).iter().collect(),
        imports: module.imports().iter().map(|import| item(Some(&import.module), &import.name, &import.ty)).collect(),
        exports: module.exports().iter().map(|export| item(export.interface.as_deref(), &export.name, &export.ty)).collect(),
        memories: module.memories().iter().map(ToString::to_string).collect(),
        tables: module.tables().iter().map(ToString::to_string).collect(),
        shape,
        custom_sections: Customs {
            count: customs.count,
            bytes: customs.bytes,
            names: customs.names,
            producers: customs.producers,
            dwarf: customs.dwarf,
            sections: customs.sections.iter().map(section).collect(),
        },
        world,
        world_unread,
        nested: module
            .nested()
            .iter()
            .map(|inner| Inner {
                kind: inner.kind.to_string(),
                depth: inner.depth,
                bytes: inner.bytes,
                imports: inner.imports,
                exports: inner.exports,
            })
            .collect(),
        could_ask_for: ambit_admit::could_ask_for(module)
            .into_iter()
            .map(|(grant, because)| Wish { grant: grant.name(), because })
            .collect(),
        risks: ambit_admit::risk(module),
    }
}

fn measure(limits: &ShapeLimits, key: ShapeKey, found: u64) -> Measure {
    Measure { name: key.name(), found, limit: limits.show(key), within: found <= limits.get(key).ceiling() }
}

fn item(from: Option<&str>, name: &str, ty: &impl std::fmt::Display) -> Item {
    let full = match from {
        Some(from) if !from.is_empty() && !name.is_empty() => format!("{from} {name}"),
        Some(from) if !from.is_empty() => from.to_owned(),
        _ => name.to_owned(),
    };
    Item { name: escape(full, 160), ty: ty.to_string() }
}

fn print(inspection: &Inspection) -> anyhow::Result<()> {
    let Inspection { kind, digest, bytes, programs, features, opt_in, imports, exports, memories, tables, shape, .. } = inspection;
    let Inspection { profile, custom_sections, world, world_unread, nested, could_ask_for, risks, .. } = inspection;
    let list = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let names = |features: &[Feature]| list(features.iter().map(ToString::to_string).collect());
    output::heading(&format!("{kind}, {}", <ByteSize as LimitValue>::from_base(*bytes as u64)))?;
    for (name, value) in [
        ("digest", digest.clone()),
        ("runs as a program by", list(programs.clone())),
        ("features", names(features)),
        ("opt-in features", names(opt_in)),
        ("memories", list(memories.clone())),
        ("tables", list(tables.clone())),
        ("custom sections", customs(custom_sections)),
    ] {
        output::data(&format!("  {name:<21} {value}"))?;
    }
    for (title, items) in [("Imports", imports), ("Exports", exports)] {
        output::heading(&format!("\n{title}: {}", items.len()))?;
        for item in items {
            output::data(&format!("  {}: {}", item.name, item.ty))?;
        }
    }
    if let Some(World { wit, import_closure }) = world {
        output::heading("\nWorld")?;
        for line in wit.lines() {
            output::data(format!("  {line}").trim_end())?;
        }
        output::heading(&format!("\nImport closure: {}", import_closure.len()))?;
        let rows = import_closure
            .iter()
            .map(|Needed { interface, functions, uses }| vec![format!("  {interface}"), functions.to_string(), uses.join(", ")]);
        table::print(&["  INTERFACE", "FUNCTIONS", "USES TYPES OF"], &rows.collect::<Vec<_>>())?;
    }
    if let Some(why) = world_unread {
        output::heading("\nWorld")?;
        output::data(&format!("  cannot be shown: {why}"))?;
    }
    if !nested.is_empty() {
        output::heading(&format!("\nModules and components within: {}", nested.len()))?;
        let rows = nested.iter().map(|inner| {
            let indent = "  ".repeat(usize::try_from(inner.depth).unwrap_or(1).min(20));
            let numbers = [inner.bytes, inner.imports, inner.exports].map(|number| number.to_string());
            [vec![format!("{indent}{}", inner.kind)], numbers.to_vec()].concat()
        });
        table::print(&["  KIND", "BYTES", "IMPORTS", "EXPORTS"], &rows.collect::<Vec<_>>())?;
    }
    output::heading(&format!("\nShape, against the limits of the profile `{profile}`"))?;
    let rows = shape.iter().filter(|measure| measure.found > 0).map(|measure| {
        let verdict = if measure.within { "" } else { "over: raise it to run this" };
        vec![format!("  {}", measure.name), measure.found.to_string(), measure.limit.clone(), verdict.into()]
    });
    table::print(&["  LIMIT", "FOUND", "ALLOWED", ""], &rows.collect::<Vec<_>>())?;
    output::heading("\nCould ask for")?;
    if could_ask_for.is_empty() {
        output::data("  nothing: it imports nothing that a grant is for")?;
    }
    for Wish { grant, because } in could_ask_for {
        output::data(&format!("  {grant}: {because}"))?;
    }
    output::heading("\nFacts worth knowing")?;
    if risks.is_empty() {
        output::data("  none found, which says nothing of what it computes")?;
    }
    for risk in risks {
        let mark = match risk.severity {
            Severity::Info => "info   ",
            Severity::Notice => "notice ",
            Severity::Warning => "WARNING",
        };
        output::data(&format!("  {mark} {}: {}", risk.fact, risk.why))?;
    }
    Ok(())
}

fn customs(customs: &Customs) -> String {
    let has = |value, what: &'static str| if value { Some(what) } else { None };
    let kinds = [has(customs.names, "names"), has(customs.producers, "producers"), has(customs.dwarf, "DWARF")];
    let kinds: Vec<&str> = kinds.into_iter().flatten().collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    format!("{}, {} bytes{kinds}", customs.count, customs.bytes)
}
