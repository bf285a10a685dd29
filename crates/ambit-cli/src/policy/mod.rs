//! From flags and files to a policy: what was typed, then what it means.

mod config;
mod flags;
mod typed;

pub(crate) use flags::{KeyValue, OurStdin, PolicyArgs, Settled, UsageError};
