//! Counting against the static limits.

use ambit_core::{RejectReason, Rejection, ShapeKey, ShapeLimits};

use crate::{
    scan::halt::{Halt, Whose},
    shape::Shape,
};

/// The limits and what has been counted against them. A claim is counted before anything of its size is read.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: ShapeLimits,
    ceilings: Shape,
    pub(crate) shape: Shape,
}

impl Meter {
    pub(crate) fn new(limits: &ShapeLimits) -> Self {
        let mut ceilings = Shape::default();
        for &key in ShapeKey::ALL {
            *ceilings.slot(key) = limits.get(key).ceiling();
        }
        Self { limits: limits.clone(), ceilings, shape: Shape::default() }
    }

    /// The limit in base units; the largest number if there is none.
    pub(crate) fn ceiling(&self, key: ShapeKey) -> u64 {
        self.ceilings.get(key)
    }

    /// Adds to what is summed over the whole module.
    pub(crate) fn add(&mut self, key: ShapeKey, more: impl Into<u64>, whose: Whose, at: usize) -> Result<(), Halt> {
        let total = self.shape.get(key).saturating_add(more.into());
        if total > self.ceiling(key) {
            return Err(self.over(key, total, whose, at));
        }
        *self.shape.slot(key) = total;
        Ok(())
    }

    /// Counts one thing of which only the largest matters.
    #[inline]
    pub(crate) fn most(&mut self, key: ShapeKey, found: impl Into<u64>, whose: Whose, at: usize) -> Result<(), Halt> {
        let found = found.into();
        if found > self.shape.get(key) {
            if found > self.ceiling(key) {
                return Err(self.over(key, found, whose, at));
            }
            *self.shape.slot(key) = found;
        }
        Ok(())
    }

    /// Halts because of `found`, which is more than the limit.
    #[cold]
    pub(crate) fn over(&self, key: ShapeKey, found: u64, whose: Whose, at: usize) -> Halt {
        self.over_as(key, &phrase(key, found), whose, at)
    }

    /// Halts because of something that the limit also bounds, in words.
    #[cold]
    pub(crate) fn over_as(&self, key: ShapeKey, what: &str, whose: Whose, at: usize) -> Halt {
        let limit = self.limits.show(key);
        let message =
            format!("{whose} has {what}; the limit `{key}` is {limit} (raise it with `--limit {key}=…`); at byte {at:#x}");
        Halt::refused(Rejection::new(RejectReason::InvalidModule, message))
    }
}

/// Halts because of something that no limit makes bearable.
#[cold]
pub(crate) fn never(what: &str, whose: Whose, at: usize) -> Halt {
    let message = format!("{whose} has {what}, which is never allowed; at byte {at:#x}");
    Halt::refused(Rejection::new(RejectReason::InvalidModule, message))
}

fn phrase(key: ShapeKey, found: u64) -> String {
    let size = key.show(found);
    match key {
        ShapeKey::Types => format!("{found} types"),
        ShapeKey::Functions => format!("{found} functions"),
        ShapeKey::BodySize => format!("a body of {size}"),
        ShapeKey::Locals => format!("{found} locals"),
        ShapeKey::TotalLocals => format!("brought the locals of all functions to {found}"),
        ShapeKey::Nesting => format!("blocks nested {found} deep"),
        ShapeKey::LoopNesting => format!("loops nested {found} deep"),
        ShapeKey::BrTable => format!("a br_table with {found} targets"),
        ShapeKey::TotalBrTable => format!("brought the br_table targets of all functions to {found}"),
        ShapeKey::Imports => format!("{found} imports"),
        ShapeKey::Exports => format!("{found} exports"),
        ShapeKey::NameSize => format!("a name of {size}"),
        ShapeKey::DataSegments => format!("{found} data segments"),
        ShapeKey::ElementSegments => format!("{found} element segments"),
        ShapeKey::ElementItems => format!("{found} items in its element segments"),
        ShapeKey::Globals => format!("{found} globals"),
        ShapeKey::Params => format!("{found} parameters or results"),
        ShapeKey::ComponentNesting => format!("components nested {found} deep"),
        ShapeKey::ComponentItems => format!("{found} items"),
        ShapeKey::TypeSize => format!("a type of size {found}"),
    }
}
