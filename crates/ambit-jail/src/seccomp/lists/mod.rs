//! The lists themselves, by what a process needs the calls for. [`super::SyscallPolicy::of`] puts them together.

mod base;
mod code;
mod files;
mod memory;
mod waiting;
mod wire;

use super::rule::Rule;

pub(super) use base::BASE;
pub(super) use code::{CODE_ALWAYS, CODE_ONCE, LOADING};
pub(super) use files::FILES;
pub(super) use memory::{GROWING, MEMORY, PROTECTING, PROTECTING_ONCE};
pub(super) use waiting::WAITING;
pub(super) use wire::WIRE;

/// What a list is.
pub(super) type List = &'static [Rule];
