//! What a component has to do with, in the language in which interfaces are written.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use ambit_core::escape;
use serde::Serialize;
use wit_component::{DecodedWasm, OutputToString, WitPrinter, decode};
use wit_parser::{InterfaceId, Resolve, WorldId, WorldItem};

/// The most characters of one line, and the most lines.
const LONGEST_LINE: usize = 1024;
const MOST_LINES: usize = 20_000;

/// The world of a component.
#[derive(Debug, Serialize)]
pub(super) struct World {
    /// Its text, without comments.
    pub(super) wit: String,
    /// The interfaces that it needs, and all that those lean on, by name.
    pub(super) import_closure: Vec<Needed>,
}

/// An interface that a component cannot do without.
#[derive(Debug, Serialize)]
pub(super) struct Needed {
    /// Its name, with its version.
    pub(super) interface: String,
    /// How many functions it has; 0 if it is there for its types.
    pub(super) functions: usize,
    /// The interfaces whose types it uses.
    pub(super) uses: Vec<String>,
}

/// Reads the world of a component that was admitted. It is still a stranger's: what the reader does not know, or stumbles over, is
/// said and not shown.
pub(super) fn world(component: &[u8]) -> Result<World, String> {
    let read = catch_unwind(AssertUnwindSafe(|| {
        let decoded = decode(component)?;
        let (resolve, world) = match &decoded {
            DecodedWasm::Component(resolve, world) => (resolve, *world),
            DecodedWasm::WitPackage(..) => anyhow::bail!("it is a package of interfaces, and no component"),
        };
        Ok(World { wit: text(resolve, world)?, import_closure: closure(resolve, world) })
    }));
    read.unwrap_or_else(|_| Err(anyhow::anyhow!("its reader gave up"))).map_err(|error| escape(format!("{error:#}"), 256))
}

fn text(resolve: &Resolve, world: WorldId) -> anyhow::Result<String> {
    let Some(package) = resolve.worlds[world].package else { anyhow::bail!("its world has no package") };
    let mut printer = WitPrinter::<OutputToString>::default();
    // Comments are anybody's text.
    printer.emit_docs(false);
    printer.print(resolve, package, &[])?;
    let text = String::from(printer.output);
    let lines = text.lines().take(MOST_LINES).map(|line| {
        let indent = line.len() - line.trim_start().len();
        format!("{}{}\n", " ".repeat(indent.min(LONGEST_LINE)), escape(line.trim_start(), LONGEST_LINE))
    });
    let cut = text.lines().count().saturating_sub(MOST_LINES);
    let cut = (cut > 0).then(|| format!("// … ({cut} more lines)\n"));
    Ok(lines.chain(cut).collect())
}

fn closure(resolve: &Resolve, world: WorldId) -> Vec<Needed> {
    let name = |id: InterfaceId| {
        let name = resolve.id_of(id).or_else(|| resolve.interfaces[id].name.clone());
        escape(name.unwrap_or_else(|| "an interface of its own".into()), 160)
    };
    let imports = resolve.worlds[world].imports.values();
    let mut open: Vec<InterfaceId> = imports
        .filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            WorldItem::Function(_) | WorldItem::Type { .. } => None,
        })
        .collect();
    let mut needed = BTreeMap::new();
    while let Some(id) = open.pop() {
        if needed.contains_key(&id) {
            continue;
        }
        let mut uses: Vec<InterfaceId> = resolve.interface_direct_deps(id).collect();
        uses.sort_unstable();
        uses.dedup();
        let interface = Needed {
            interface: name(id),
            functions: resolve.interfaces[id].functions.len(),
            uses: uses.iter().map(|id| name(*id)).collect(),
        };
        open.extend(uses);
        needed.insert(id, interface);
    }
    let mut needed: Vec<Needed> = needed.into_values().collect();
    needed.sort_by(|one, other| one.interface.cmp(&other.interface));
    needed
}
