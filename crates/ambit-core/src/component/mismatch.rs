//! Where a value is not what its type says.

use std::fmt;

use super::ty::ComponentType;
use crate::text::{escape, escape_shown};

/// Bytes of a type, of a value and of a path that are shown.
const SHOWN: usize = 160;

/// A value that is not of its type: where, what was expected, what was found. Escaped and capped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}expected {expected}, found {found}", Where(path))]
pub struct Mismatch {
    /// Where in the value, such as `who.tags[1]`; empty if it is all of it.
    pub path: String,
    /// The type that is expected there, as in WIT; or what else is.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A path in front of what is said of it.
struct Where<'a>(&'a str);

impl fmt::Display for Where<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "at `{}`: ", self.0) }
    }
}

/// A place in a value, as a list from there outwards.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Of(&'a Path<'a>, At<'a>),
}

/// A part of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'a> {
    /// A field, a case, a parameter.
    Name(&'a str),
    /// An element.
    Index(usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Of(Path::Root, At::Name(name)) => f.write_str(name),
            Path::Of(outer, At::Name(name)) => write!(f, "{outer}.{name}"),
            Path::Of(outer, At::Index(index)) => write!(f, "{outer}[{index}]"),
        }
    }
}

impl Mismatch {
    pub(super) fn new(path: &Path<'_>, expected: impl fmt::Display, found: impl AsRef<[u8]>) -> Self {
        let found = found.as_ref();
        let found = if found.is_empty() { "nothing".to_owned() } else { escape(found, SHOWN) };
        Self { path: escape_shown(path, SHOWN), expected: escape_shown(expected, SHOWN), found }
    }

    /// A part that there must be and is not, or the other way round.
    pub(super) fn part(path: &Path<'_>, ty: &ComponentType, found: &str, name: &str) -> Self {
        Self::new(path, ty, format!("{found} `{name}`"))
    }
}
