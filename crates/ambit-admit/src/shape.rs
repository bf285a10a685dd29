//! What was counted while a module was read.

use std::fmt;

use ambit_core::ShapeKey;
use serde::{Deserialize, Serialize};

pub(crate) const KEYS: usize = ShapeKey::ALL.len();

/// A module's measured size and depth, one number for every [`ShapeKey`], in the units of the limit of that name.
///
/// Keys that bound any one thing (`body-size`, `locals`, `nesting`, `br-table`, `name-size`, `params`, `type-size`,
/// `component-nesting`, and `imports` and `exports`, which count for each module within a component) give the largest
/// found; all others give the sum over the module and all modules and components nested in it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shape(#[serde(with = "crate::facts::counts")] [u64; KEYS]);

impl Shape {
    /// What was measured for `key`.
    pub fn get(&self, key: ShapeKey) -> u64 {
        self.0[key as usize]
    }

    /// Every key with what was measured, in the order of [`ShapeKey::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (ShapeKey, u64)> + '_ {
        ShapeKey::ALL.iter().map(|&key| (key, self.get(key)))
    }

    pub(crate) fn slot(&mut self, key: ShapeKey) -> &mut u64 {
        &mut self.0[key as usize]
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, found)| (key.name(), found))).finish()
    }
}
