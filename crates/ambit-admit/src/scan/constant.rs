//! Constant expressions: what globals, tables and segments start from.

use ambit_core::{Feature, ShapeKey};
use wasmparser::{ConstExpr, Operator};

use super::{
    Scan,
    halt::{Halt, Whose},
};

/// How many times the largest function body all of them together may be: an engine keeps them operator by operator, and
/// interprets them at each instantiation.
const BODIES: u64 = 16;

impl Scan<'_> {
    /// Notes what the expression needs. Whether it is constant at all is the validator's question.
    pub(super) fn constant(&mut self, expr: &ConstExpr<'_>) -> Result<(), Halt> {
        let range = expr.get_binary_reader().range();
        self.constants = self.constants.saturating_add(u64::try_from(range.len()).unwrap_or(u64::MAX));
        if self.constants > self.meter.ceiling(ShapeKey::BodySize).saturating_mul(BODIES) {
            let what = format!("constant expressions of {} bytes in all, more than {BODIES} times a body", self.constants);
            return Err(self.meter.over_as(ShapeKey::BodySize, &what, Whose::Module, range.start));
        }
        let mut operators = expr.get_operators_reader();
        while !operators.eof() {
            match operators.read()? {
                Operator::I32Add | Operator::I32Sub | Operator::I32Mul | Operator::I64Add | Operator::I64Sub | Operator::I64Mul => {
                    self.needs.note(Feature::ExtendedConst);
                }
                // Before gc, only imported globals are constant.
                Operator::GlobalGet { global_index } if global_index as usize >= self.space.imported_globals => {
                    self.needs.note(Feature::Gc);
                }
                Operator::V128Const { .. } => self.needs.note(Feature::Simd),
                Operator::RefNull { hty } => self.needs.heap_type(hty, true),
                Operator::RefFunc { .. } => self.needs.note(Feature::ReferenceTypes),
                Operator::StructNew { .. }
                | Operator::StructNewDefault { .. }
                | Operator::ArrayNew { .. }
                | Operator::ArrayNewDefault { .. }
                | Operator::ArrayNewFixed { .. }
                | Operator::RefI31
                | Operator::AnyConvertExtern
                | Operator::ExternConvertAny => self.needs.note(Feature::Gc),
                _ => {}
            }
        }
        Ok(())
    }
}
