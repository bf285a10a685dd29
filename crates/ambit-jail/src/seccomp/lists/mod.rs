//! The lists themselves, by what a process needs the calls for. [`super::SyscallPolicy::of`] puts them together.

mod base;
mod code;
mod files;
mod memory;
mod threads;
mod waiting;
mod wire;

use super::rule::Rule;

pub(super) use base::BASE;
pub(super) use code::{ARTIFACT, CODE_ALWAYS, CODE_ONCE, LOADING};
pub(super) use files::FILES;
pub(super) use memory::{GROWING, MEMORY};
pub(super) use threads::{COMPILING, RUNTIME, THREADS};
pub(super) use waiting::{COPYING, WAITING};
pub(super) use wire::{DEBUGGING, STREAMS, WIRE};

/// What a list is.
pub(super) type List = &'static [Rule];

/// Every rule of every list.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    let needed = [BASE, THREADS, RUNTIME, COMPILING, MEMORY, GROWING, WIRE, STREAMS, COPYING, WAITING, FILES];
    needed.into_iter().chain([LOADING, ARTIFACT, CODE_ONCE, CODE_ALWAYS, DEBUGGING]).flatten()
}
