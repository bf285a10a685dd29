//! Which features a module needs, from its types. What its operators need is told by the operator watch.

use ambit_core::{Feature, FeatureSet};
use wasmparser::{
    AbstractHeapType, BlockType, CompositeInnerType, HeapType, MemoryType, RecGroup, RefType, StorageType, SubType, TableType,
    TypeRef, ValType,
};

/// The features needed so far. A feature is noted where the validator would ask for it, so that validating with exactly
/// these succeeds; a test over generated modules holds it to that.
///
/// Proposals without a name here are not noted: the validator is never given them, so nothing that uses them passes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Needs {
    pub(crate) features: FeatureSet,
    /// While a type is read, its index: to refer to this one or a later one takes gc.
    own_index: Option<u32>,
}

impl Needs {
    #[inline]
    pub(crate) fn note(&mut self, feature: Feature) {
        self.features = self.features.with(feature);
    }

    pub(crate) fn val_type(&mut self, ty: ValType) {
        match ty {
            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => {}
            ValType::V128 => self.note(Feature::Simd),
            ValType::Ref(ty) => self.ref_type(ty),
        }
    }

    pub(crate) fn ref_type(&mut self, ty: RefType) {
        self.heap_type(ty.heap_type(), ty.is_nullable());
    }

    pub(crate) fn heap_type(&mut self, ty: HeapType, nullable: bool) {
        use AbstractHeapType as Heap;
        self.note(Feature::ReferenceTypes);
        match ty {
            HeapType::Concrete(index) => {
                self.note(Feature::FunctionReferences);
                if self.own_index.is_some_and(|own| index.as_module_index().is_some_and(|index| index >= own)) {
                    self.note(Feature::Gc);
                }
            }
            HeapType::Exact(_) => {}
            HeapType::Abstract { ty, .. } => match ty {
                Heap::Func | Heap::Extern if nullable => {}
                Heap::Func | Heap::Extern => self.note(Feature::FunctionReferences),
                Heap::Exn | Heap::NoExn => self.note(Feature::Exceptions),
                Heap::Any | Heap::None | Heap::Eq | Heap::Struct | Heap::Array | Heap::I31 | Heap::NoExtern | Heap::NoFunc => {
                    self.note(Feature::Gc);
                }
                Heap::Cont | Heap::NoCont => {}
            },
        }
    }

    pub(crate) fn block_type(&mut self, ty: BlockType) {
        match ty {
            BlockType::Empty => {}
            BlockType::Type(ty) => self.val_type(ty),
            BlockType::FuncType(_) => self.note(Feature::MultiValue),
        }
    }

    /// The types of a group, of which the first will have index `first`.
    pub(crate) fn rec_group(&mut self, group: &RecGroup, first: usize) {
        if group.is_explicit_rec_group() {
            self.note(Feature::Gc);
        }
        self.own_index = u32::try_from(first).ok();
        group.types().for_each(|ty| self.sub_type(ty));
        self.own_index = None;
    }

    fn sub_type(&mut self, ty: &SubType) {
        if !ty.is_final || ty.supertype_idx.is_some() {
            self.note(Feature::Gc);
        }
        match &ty.composite_type.inner {
            CompositeInnerType::Func(ty) => {
                if ty.results().len() > 1 {
                    self.note(Feature::MultiValue);
                }
                ty.params().iter().chain(ty.results()).for_each(|&ty| self.val_type(ty));
            }
            CompositeInnerType::Array(ty) => {
                self.note(Feature::Gc);
                self.storage_type(ty.0.element_type);
            }
            CompositeInnerType::Struct(ty) => {
                self.note(Feature::Gc);
                ty.fields.iter().for_each(|field| self.storage_type(field.element_type));
            }
            CompositeInnerType::Cont(_) => {}
        }
    }

    fn storage_type(&mut self, ty: StorageType) {
        if let StorageType::Val(ty) = ty {
            self.val_type(ty);
        }
    }

    pub(crate) fn table_type(&mut self, ty: TableType) {
        // Tables of funcref are as old as WebAssembly.
        if ty.element_type != RefType::FUNCREF {
            self.ref_type(ty.element_type);
        }
        if ty.table64 {
            self.note(Feature::Memory64);
        }
    }

    pub(crate) fn memory_type(&mut self, ty: MemoryType) {
        if ty.memory64 {
            self.note(Feature::Memory64);
        }
        if ty.shared {
            self.note(Feature::Threads);
        }
    }

    /// The type of an import or export.
    pub(crate) fn border_type(&mut self, ty: TypeRef) {
        match ty {
            TypeRef::Func(_) | TypeRef::FuncExact(_) => {}
            TypeRef::Table(ty) => self.table_type(ty),
            TypeRef::Memory(ty) => self.memory_type(ty),
            TypeRef::Global(ty) => {
                if ty.mutable {
                    self.note(Feature::MutableGlobal);
                }
                self.val_type(ty.content_type);
            }
            TypeRef::Tag(_) => self.note(Feature::Exceptions),
        }
    }
}
