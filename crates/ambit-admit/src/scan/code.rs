//! Function bodies: most of a module's bytes, read once.

use ambit_core::ShapeKey;
use wasmparser::{BinaryReader, FuncToValidate, FuncValidator, FuncValidatorAllocations, FunctionBody, ValidatorResources};

use super::{
    Scan,
    halt::{Halt, Whose},
    meter::never,
    watch::{Body, Label, Watch},
};

/// What one body leaves behind for the next, so that no body allocates.
#[derive(Default)]
pub(super) struct Reused {
    validator: FuncValidatorAllocations,
    labels: Vec<Label>,
}

/// Values that calls, branches and blocks may move for each byte of code, and in all besides.
///
/// An operator of two bytes can move a thousand values each way, so without a bound 100 MB of code are minutes of
/// checking, and gigabytes in a compiler. The largest real programs known to us stay below a tenth of a value a byte.
const MOVES_PER_BYTE: u64 = 2;
const MOVES_FREE: u64 = 1_000_000;

impl Scan<'_> {
    pub(super) fn function(&mut self, func: FuncToValidate<ValidatorResources>, body: &FunctionBody<'_>) -> Result<(), Halt> {
        let whose = Whose::Function(func.index);
        let range = body.range();
        let size = u64::try_from(range.len()).unwrap_or(u64::MAX);
        self.meter.most(ShapeKey::BodySize, size, whose, range.start)?;
        self.code.code_bytes = self.code.code_bytes.saturating_add(size);
        if self.code.largest_function.is_none_or(|(_, largest)| size > largest) {
            self.code.largest_function = Some((func.index, size));
        }
        let mut reused = std::mem::take(&mut self.reused);
        let results = self.space.of_type(func.ty).results;
        let mut validator = func.into_validator(reused.validator);
        reused.labels.clear();
        reused.labels.push(Label { values: results, is_loop: false });
        self.body(&mut validator, body, &mut reused.labels, whose).map_err(|halt| halt.within(whose))?;
        reused.validator = validator.into_allocations();
        self.reused = reused;
        Ok(())
    }

    fn body(
        &mut self,
        validator: &mut FuncValidator<ValidatorResources>,
        body: &FunctionBody<'_>,
        labels: &mut Vec<Label>,
        whose: Whose,
    ) -> Result<(), Halt> {
        let mut reader = body.get_binary_reader();
        self.locals(&mut reader, validator, whose)?;
        let may_move = MOVES_FREE.saturating_add(self.code.code_bytes.saturating_mul(MOVES_PER_BYTE));
        let most_operands = self.meter.ceiling(ShapeKey::Locals);
        // The body itself is a block of the validator's, not one of the module's.
        let most_blocks = self.meter.ceiling(ShapeKey::Nesting).saturating_add(1);
        let mut blocks = 1;
        let mut watched = Body {
            needs: &mut self.needs,
            meter: &mut self.meter,
            code: &mut self.code,
            space: &self.space,
            labels,
            loops: 0,
            moved: self.moved,
            whose,
            bytes: self.bytes,
            at: 0,
        };
        while !reader.eof() {
            watched.at = reader.original_position();
            reader.visit_operator(&mut Watch { validator: validator.visitor(watched.at), body: &mut watched })??;
            // The validator's memory and time, and a compiler's, go with these.
            let operands = validator.operand_stack_height();
            blocks = blocks.max(validator.control_stack_height());
            if u64::from(operands) > most_operands || u64::from(blocks) > most_blocks || watched.moved > may_move {
                return Err(watched.too_much(operands, blocks - 1));
            }
        }
        self.moved = watched.moved;
        reader.finish_expression(&validator.visitor(reader.original_position()))?;
        self.meter.most(ShapeKey::Nesting, blocks - 1, whose, body.range().start)
    }

    /// Counts locals group by group, before the validator makes room for them.
    fn locals(
        &mut self,
        reader: &mut BinaryReader<'_>,
        validator: &mut FuncValidator<ValidatorResources>,
        whose: Whose,
    ) -> Result<(), Halt> {
        let mut locals = 0;
        for _ in 0..reader.read_var_u32()? {
            let at = reader.original_position();
            let count = reader.read_var_u32()?;
            locals += u64::from(count);
            self.meter.most(ShapeKey::Locals, locals, whose, at)?;
            self.meter.add(ShapeKey::TotalLocals, count, whose, at)?;
            let ty = reader.read()?;
            self.needs.val_type(ty);
            validator.define_locals(at, count, ty)?;
        }
        Ok(())
    }
}

impl Body<'_> {
    #[cold]
    fn too_much(&self, operands: u32, blocks: u32) -> Halt {
        let (whose, at) = (self.whose, self.at);
        if u64::from(blocks) > self.meter.ceiling(ShapeKey::Nesting) {
            return self.meter.over(ShapeKey::Nesting, blocks.into(), whose, at);
        }
        if u64::from(operands) > self.meter.ceiling(ShapeKey::Locals) {
            // Locals and operands are alike to an engine: values it has to keep.
            return self.meter.over_as(ShapeKey::Locals, &format!("{operands} values on its operand stack"), whose, at);
        }
        let what = format!(
            "brought the values that calls, branches and blocks move to {}, more than {MOVES_PER_BYTE} for each byte of code",
            self.moved
        );
        never(&what, whose, at)
    }
}
