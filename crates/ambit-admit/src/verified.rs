//! A module that passed admission, and what is known of it.

use std::{fmt, sync::Arc};

use ambit_core::{Digest, FeatureSet, escape};
use serde::{Deserialize, Serialize};

use crate::{
    entry::Entry,
    shape::Shape,
    types::{ExternType, MemoryType, TableType},
};

/// A module that passed admission: its bytes and the facts read from them.
///
/// [`admit`](crate::admit) makes one; and from what that found out another process of ours makes it again, or a later one, by
/// [`Verified::from_facts`]. Cheap to clone. It says that the module is valid and
/// within the rules it was admitted under, not that it means well, and not that it compiles quickly.
#[derive(Clone)]
pub struct Verified {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) facts: Arc<Facts>,
}

/// Everything that was learned while reading the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) digest: Digest,
    pub(crate) kind: ModuleKind,
    pub(crate) imports: Vec<Import>,
    pub(crate) exports: Vec<Export>,
    pub(crate) features: FeatureSet,
    pub(crate) shape: Shape,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) tables: Vec<TableType>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) customs: Customs,
    pub(crate) code: CodeFacts,
    pub(crate) nested: Vec<Nested>,
}

/// Core module or component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ModuleKind {
    /// A core module.
    Core,
    /// A component.
    Component,
}

/// Something a module needs from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The import module of a core module; the interface, such as `wasi:io/streams@0.2.6`, of a component; empty if a
    /// component imports the item by itself. As the module has it: escape it before it is shown.
    pub module: String,
    /// The item's name; empty for an interface of types only. As the module has it: escape it before it is shown.
    pub name: String,
    /// The item's type.
    pub ty: ExternType,
}

/// Something a module offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The interface that the item is part of, if a component exports it as part of one. As the module has it.
    pub interface: Option<String>,
    /// The item's name; empty for an interface of types only. As the module has it: escape it before it is shown.
    pub name: String,
    /// The item's type.
    pub ty: ExternType,
}

/// The custom sections of a module and of all modules nested in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customs {
    /// The first 1000, in order, each with the size of its content in bytes.
    pub sections: Vec<CustomSection>,
    /// How many there are in all.
    pub count: u64,
    /// Bytes of content in all.
    pub bytes: u64,
    /// Functions have names.
    pub names: bool,
    /// It says which tools produced it.
    pub producers: bool,
    /// It has DWARF debug information, here or elsewhere.
    pub dwarf: bool,
}

/// One custom section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomSection {
    /// Its name, escaped and capped.
    pub name: String,
    /// Bytes of content.
    pub size: u64,
}

/// A module or component within a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nested {
    /// What it is.
    pub kind: ModuleKind,
    /// How many components enclose it: 1 and more.
    pub depth: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// Items that it imports.
    pub imports: u64,
    /// Items that it exports.
    pub exports: u64,
}

impl Nested {
    /// As many are listed.
    pub const MAX_KEPT: usize = 1000;
}

/// What the code does, as far as single operators show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeFacts {
    /// A start function runs at instantiation, before anything is called.
    pub start: bool,
    /// Functions are called through tables or references.
    pub indirect_calls: bool,
    /// Some memory is grown.
    pub grows_memory: bool,
    /// Some table is grown.
    pub grows_tables: bool,
    /// The largest function body: the function's index in its module, and bytes.
    pub largest_function: Option<(u32, u64)>,
    /// Bytes of code in all.
    pub code_bytes: u64,
    /// Bytes of data segments in all.
    pub data_bytes: u64,
    /// Core modules nested in a component.
    pub nested_modules: u64,
    /// Components nested in a component.
    pub nested_components: u64,
}

impl Verified {
    /// The name of the module: the SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.facts.digest
    }

    /// The bytes that were verified. Shared, never copied from here on.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Core module or component.
    pub fn kind(&self) -> ModuleKind {
        self.facts.kind
    }

    /// What it needs, in order. For a component, the functions of an interface one by one.
    pub fn imports(&self) -> &[Import] {
        &self.facts.imports
    }

    /// What it offers, in order. For a component, the functions of an interface one by one.
    pub fn exports(&self) -> &[Export] {
        &self.facts.exports
    }

    /// The core module's export, or the component's own (not part of an interface), of that name.
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.facts.exports.iter().find(|export| export.interface.is_none() && export.name == name)
    }

    /// The features that it needs.
    pub fn features(&self) -> FeatureSet {
        self.facts.features
    }

    /// What was counted.
    pub fn shape(&self) -> &Shape {
        &self.facts.shape
    }

    /// Its memories, imported ones first; for a component, those of all nested modules.
    pub fn memories(&self) -> &[MemoryType] {
        &self.facts.memories
    }

    /// Its tables, imported ones first; for a component, those of all nested modules.
    pub fn tables(&self) -> &[TableType] {
        &self.facts.tables
    }

    /// Whether a start function runs at instantiation, before anything is called.
    pub fn has_start(&self) -> bool {
        self.facts.code.start
    }

    /// The ways in which it can be run as a program, the usual one first.
    pub fn entries(&self) -> &[Entry] {
        &self.facts.entries
    }

    /// Whether it is a program: it has an entry that runs from start to end.
    pub fn is_command(&self) -> bool {
        self.facts.entries.iter().any(|entry| matches!(entry, Entry::Start | Entry::Run(_)))
    }

    /// Its custom sections.
    pub fn customs(&self) -> &Customs {
        &self.facts.customs
    }

    /// The modules and components within it, in order: the first [`Nested::MAX_KEPT`].
    pub fn nested(&self) -> &[Nested] {
        &self.facts.nested
    }

    /// What its code does, as far as single operators show it.
    pub fn code(&self) -> &CodeFacts {
        &self.facts.code
    }
}

impl fmt::Debug for Verified {
    /// Without the bytes and without names from the module.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("digest", &self.facts.digest)
            .field("kind", &self.facts.kind)
            .field("bytes", &self.bytes.len())
            .field("imports", &self.facts.imports.len())
            .field("exports", &self.facts.exports.len())
            .field("features", &self.facts.features)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ModuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ModuleKind::Core => "module",
            ModuleKind::Component => "component",
        })
    }
}

impl fmt::Display for Import {
    /// `wasi_snapshot_preview1 fd_write: (i32, i32, i32, i32) -> i32`, escaped and capped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        item(f, Some(&self.module), &self.name, &self.ty)
    }
}

impl fmt::Display for Export {
    /// `add: (i32, i32) -> i32`, escaped and capped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        item(f, self.interface.as_ref(), &self.name, &self.ty)
    }
}

fn item(f: &mut fmt::Formatter<'_>, of: Option<&String>, name: &str, ty: &ExternType) -> fmt::Result {
    let of = of.map_or("", String::as_str);
    let space = if of.is_empty() || name.is_empty() { "" } else { " " };
    write!(f, "{}{space}{}: {ty}", escape(of, 128), escape(name, 128))
}
