//! The index spaces of one core module, as far as counting needs them.

use wasmparser::{BlockType, CompositeInnerType, RecGroup};

/// How many values go in and come out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Arity {
    pub(crate) params: u32,
    pub(crate) results: u32,
    /// A function's type; else a struct's, whose fields are its parameters, or one that takes nothing.
    pub(crate) is_func: bool,
}

impl Arity {
    pub(crate) fn sum(self) -> u32 {
        self.params.saturating_add(self.results)
    }
}

/// What is defined and imported so far in the module that is being read.
///
/// The validator knows all this too, and keeps it to itself. Indices that do not exist have no values: the validator
/// will refuse them.
#[derive(Debug, Default)]
pub(crate) struct Space {
    types: Vec<Arity>,
    functions: Vec<u32>,
    tags: Vec<u32>,
    /// Whether each global is mutable.
    globals: Vec<bool>,
    pub(crate) tables: u64,
    pub(crate) memories: u64,
    pub(crate) imported_globals: usize,
    pub(crate) imports: u64,
    pub(crate) exports: u64,
}

impl Space {
    pub(crate) fn add_types(&mut self, group: &RecGroup) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.types.extend(group.types().map(|ty| match &ty.composite_type.inner {
            CompositeInnerType::Func(ty) => {
                Arity { params: count(ty.params().len()), results: count(ty.results().len()), is_func: true }
            }
            // Making a struct takes its fields.
            CompositeInnerType::Struct(ty) => Arity { params: count(ty.fields.len()), results: 1, is_func: false },
            CompositeInnerType::Array(_) | CompositeInnerType::Cont(_) => Arity::default(),
        }));
    }

    pub(crate) fn add_function(&mut self, ty: u32) {
        self.functions.push(ty);
    }

    pub(crate) fn add_tag(&mut self, ty: u32) {
        self.tags.push(ty);
    }

    pub(crate) fn add_global(&mut self, mutable: bool) {
        self.globals.push(mutable);
    }

    pub(crate) fn is_mutable(&self, global: u32) -> bool {
        self.globals.get(global as usize).copied().unwrap_or_default()
    }

    pub(crate) fn type_count(&self) -> usize {
        self.types.len()
    }

    pub(crate) fn types_from(&self, index: usize) -> &[Arity] {
        self.types.get(index..).unwrap_or_default()
    }

    pub(crate) fn of_type(&self, index: u32) -> Arity {
        self.types.get(index as usize).copied().unwrap_or_default()
    }

    pub(crate) fn of_function(&self, index: u32) -> Arity {
        self.functions.get(index as usize).map(|&ty| self.of_type(ty)).unwrap_or_default()
    }

    pub(crate) fn of_tag(&self, index: u32) -> Arity {
        self.tags.get(index as usize).map(|&ty| self.of_type(ty)).unwrap_or_default()
    }

    pub(crate) fn of_block(&self, ty: BlockType) -> Arity {
        match ty {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { params: 0, results: 1, is_func: true },
            BlockType::FuncType(index) => self.of_type(index),
        }
    }
}
