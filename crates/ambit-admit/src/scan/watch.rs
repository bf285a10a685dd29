//! Looking over the validator's shoulder: one visit per operator checks it, notes what it needs and counts what it costs.

use ambit_core::{Feature, ShapeKey};
use wasmparser::{BlockType, BrTable, Catch, FrameKind, FrameStack, RefType, TryTable, VisitOperator, VisitSimdOperator};

use crate::{
    scan::{
        halt::{Halt, Whose},
        meter::Meter,
        needs::Needs,
        space::Space,
    },
    verified::CodeFacts,
};

/// An open block.
pub(crate) struct Label {
    /// How many values a branch to it takes along.
    pub(crate) values: u32,
    pub(crate) is_loop: bool,
}

/// What is watched in one function body.
pub(crate) struct Body<'m> {
    pub(crate) needs: &'m mut Needs,
    pub(crate) meter: &'m mut Meter,
    pub(crate) code: &'m mut CodeFacts,
    pub(crate) space: &'m Space,
    /// The open blocks, innermost last.
    pub(crate) labels: &'m mut Vec<Label>,
    /// How many of them are loops.
    pub(crate) loops: u32,
    /// How many values calls, branches and blocks have moved, in the whole module.
    pub(crate) moved: u64,
    pub(crate) whose: Whose,
    /// The whole module, and where in it the operator starts.
    pub(crate) bytes: &'m [u8],
    pub(crate) at: usize,
}

impl Body<'_> {
    /// Counts values that one operator checks, whose number its few bytes do not show.
    #[inline]
    fn moves(&mut self, values: u32) {
        self.moved = self.moved.saturating_add(values.into());
    }

    fn enter(&mut self, ty: BlockType) {
        self.needs.block_type(ty);
        let arity = self.space.of_block(ty);
        self.moves(arity.sum());
        self.labels.push(Label { values: arity.results, is_loop: false });
    }

    /// A compiler's time goes with the depth of loops, by the square in places, while blocks of other kinds cost it little.
    fn enter_loop(&mut self, ty: BlockType) -> Result<(), Halt> {
        self.needs.block_type(ty);
        let arity = self.space.of_block(ty);
        self.moves(arity.sum());
        self.labels.push(Label { values: arity.params, is_loop: true });
        self.loops += 1;
        self.meter.most(ShapeKey::LoopNesting, self.loops, self.whose, self.at)
    }

    fn leave(&mut self) {
        let Some(label) = self.labels.pop() else { return };
        self.loops -= u32::from(label.is_loop);
        self.moves(label.values);
    }

    fn label(&self, depth: u32) -> u32 {
        let index = self.labels.len().checked_sub(1 + depth as usize);
        index.and_then(|index| self.labels.get(index)).map_or(0, |label| label.values)
    }

    fn branch(&mut self, depth: u32) {
        let values = self.label(depth);
        self.moves(values);
    }

    fn br_table(&mut self, targets: &BrTable<'_>) -> Result<(), Halt> {
        self.meter.most(ShapeKey::BrTable, targets.len(), self.whose, self.at)?;
        self.meter.add(ShapeKey::TotalBrTable, targets.len(), self.whose, self.at)?;
        // Every target is checked against the same stack, so all have as many values as the default.
        let values = self.label(targets.default());
        self.moves(values.saturating_mul(targets.len().saturating_add(1)));
        Ok(())
    }

    fn returns(&mut self) {
        let values = self.labels.first().map_or(0, |label| label.values);
        self.moves(values);
    }

    fn cast(&mut self, depth: u32, from: RefType, to: RefType) {
        self.needs.ref_type(from);
        self.needs.ref_type(to);
        self.branch(depth);
    }

    fn indirect(&mut self, ty: u32) {
        self.code.indirect_calls = true;
        self.moves(self.space.of_type(ty).sum());
    }

    /// Before reference types, the table of `call_indirect` was one zero byte and not a number that can be spelt longer.
    fn spelling_of_table(&mut self) {
        let operands = self.bytes.get(self.at + 1..).unwrap_or_default();
        let mut table = operands.iter().skip_while(|&byte| byte & 0x80 != 0).skip(1);
        if table.next().is_some_and(|byte| byte & 0x80 != 0) {
            self.needs.note(Feature::ReferenceTypes);
        }
    }

    /// Before multi-memory, the memory of `memory.size` and `memory.grow` was one zero byte.
    fn spelling_of_memory(&mut self) {
        if self.bytes.get(self.at + 1).is_some_and(|byte| byte & 0x80 != 0) {
            self.needs.note(Feature::MultiMemory);
        }
    }

    fn try_table(&mut self, table: &TryTable) {
        for catch in &table.catches {
            let depth = match *catch {
                Catch::One { label, .. } | Catch::OneRef { label, .. } | Catch::All { label } | Catch::AllRef { label } => label,
            };
            self.branch(depth);
        }
        self.enter(table.ty);
    }
}

/// The validator's visitor of one operator, watched.
pub(crate) struct Watch<'w, 'm, V> {
    pub(crate) validator: V,
    pub(crate) body: &'w mut Body<'m>,
}

/// What the proposal that brought an operator means for the module's needs.
macro_rules! note_proposal {
    ($body:expr, mvp) => {};
    ($body:expr, sign_extension) => {
        $body.needs.note(Feature::SignExtension)
    };
    ($body:expr, saturating_float_to_int) => {
        $body.needs.note(Feature::SaturatingFloatToInt)
    };
    ($body:expr, bulk_memory) => {
        $body.needs.note(Feature::BulkMemory)
    };
    ($body:expr, reference_types) => {
        $body.needs.note(Feature::ReferenceTypes)
    };
    ($body:expr, tail_call) => {
        $body.needs.note(Feature::TailCall)
    };
    ($body:expr, simd) => {
        $body.needs.note(Feature::Simd)
    };
    ($body:expr, relaxed_simd) => {
        $body.needs.note(Feature::RelaxedSimd)
    };
    ($body:expr, exceptions) => {
        $body.needs.note(Feature::Exceptions)
    };
    ($body:expr, function_references) => {
        $body.needs.note(Feature::FunctionReferences)
    };
    ($body:expr, gc) => {
        $body.needs.note(Feature::Gc)
    };
    ($body:expr, threads) => {
        $body.needs.note(Feature::Threads)
    };
    // The validator is never given any other proposal.
    ($body:expr, $unknown:ident) => {};
}

/// What single operators mean beyond their proposal.
macro_rules! note_operator {
    ($body:expr, visit_block($ty:ident)) => {
        $body.enter($ty)
    };
    ($body:expr, visit_loop($ty:ident)) => {
        $body.enter_loop($ty)?
    };
    ($body:expr, visit_if($ty:ident)) => {
        $body.enter($ty)
    };
    ($body:expr, visit_try_table($table:ident)) => {
        $body.try_table(&$table)
    };
    ($body:expr, visit_end()) => {
        $body.leave()
    };
    ($body:expr, visit_return()) => {
        $body.returns()
    };
    ($body:expr, visit_br($depth:ident)) => {
        $body.branch($depth)
    };
    ($body:expr, visit_br_if($depth:ident)) => {
        $body.branch($depth)
    };
    ($body:expr, visit_br_table($targets:ident)) => {
        $body.br_table(&$targets)?
    };
    ($body:expr, visit_br_on_null($depth:ident)) => {
        $body.branch($depth)
    };
    ($body:expr, visit_br_on_non_null($depth:ident)) => {
        $body.branch($depth)
    };
    ($body:expr, visit_br_on_cast($depth:ident, $from:ident, $to:ident)) => {
        $body.cast($depth, $from, $to)
    };
    ($body:expr, visit_br_on_cast_fail($depth:ident, $from:ident, $to:ident)) => {
        $body.cast($depth, $from, $to)
    };
    ($body:expr, visit_call($index:ident)) => {
        $body.moves($body.space.of_function($index).sum())
    };
    ($body:expr, visit_return_call($index:ident)) => {
        $body.moves($body.space.of_function($index).sum())
    };
    ($body:expr, visit_call_indirect($ty:ident, $table:ident)) => {
        $body.indirect($ty);
        $body.spelling_of_table();
    };
    ($body:expr, visit_return_call_indirect($ty:ident, $table:ident)) => {
        $body.indirect($ty);
        $body.spelling_of_table();
    };
    ($body:expr, visit_call_ref($ty:ident)) => {
        $body.indirect($ty)
    };
    ($body:expr, visit_return_call_ref($ty:ident)) => {
        $body.indirect($ty)
    };
    ($body:expr, visit_throw($tag:ident)) => {
        $body.moves($body.space.of_tag($tag).params)
    };
    ($body:expr, visit_struct_new($ty:ident)) => {
        $body.moves($body.space.of_type($ty).sum())
    };
    ($body:expr, visit_array_new_fixed($ty:ident, $size:ident)) => {
        $body.moves($size)
    };
    ($body:expr, visit_memory_size($memory:ident)) => {
        $body.spelling_of_memory()
    };
    ($body:expr, visit_memory_grow($memory:ident)) => {
        $body.code.grows_memory = true;
        $body.spelling_of_memory();
    };
    ($body:expr, visit_table_grow($table:ident)) => {
        $body.code.grows_tables = true
    };
    ($body:expr, visit_typed_select($ty:ident)) => {
        $body.needs.val_type($ty)
    };
    ($body:expr, visit_ref_null($ty:ident)) => {
        $body.needs.heap_type($ty, true)
    };
    ($body:expr, visit_ref_test_non_null($ty:ident)) => {
        $body.needs.heap_type($ty, false)
    };
    ($body:expr, visit_ref_test_nullable($ty:ident)) => {
        $body.needs.heap_type($ty, true)
    };
    ($body:expr, visit_ref_cast_non_null($ty:ident)) => {
        $body.needs.heap_type($ty, false)
    };
    ($body:expr, visit_ref_cast_nullable($ty:ident)) => {
        $body.needs.heap_type($ty, true)
    };
    ($body:expr, $other:ident($($arg:ident),*)) => {};
}

macro_rules! watch {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*) )*) => { $(
        #[inline]
        fn $visit(&mut self $($(, $arg: $argty)*)?) -> Self::Output {
            note_proposal!(self.body, $proposal);
            note_operator!(self.body, $visit($($($arg),*)?));
            self.validator.$visit($($($arg),*)?).map_err(Halt::from)
        }
    )* };
}

macro_rules! watch_simd {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*) )*) => { $(
        fn $visit(&mut self $($(, $arg: $argty)*)?) -> Self::Output {
            note_proposal!(self.body, $proposal);
            let simd = self.validator.simd_visitor().expect("the validator visits vector operators");
            simd.$visit($($($arg),*)?).map_err(Halt::from)
        }
    )* };
}

impl<'a, V: VisitOperator<'a, Output = wasmparser::Result<()>>> VisitOperator<'a> for Watch<'_, '_, V> {
    type Output = Result<(), Halt>;

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Self::Output>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(watch);
}

impl<'a, V: VisitOperator<'a, Output = wasmparser::Result<()>>> VisitSimdOperator<'a> for Watch<'_, '_, V> {
    wasmparser::for_each_visit_simd_operator!(watch_simd);
}

impl<V: FrameStack> FrameStack for Watch<'_, '_, V> {
    #[inline]
    fn current_frame(&self) -> Option<FrameKind> {
        self.validator.current_frame()
    }
}
