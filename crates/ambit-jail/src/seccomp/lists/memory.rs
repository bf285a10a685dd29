//! Memory: of the allocator, of guests, of fibers' stacks. None of it can be executed.
//!
//! Mappings are private, since `RLIMIT_DATA` counts private writable memory and no other; `MAP_HUGETLB` and `MAP_GROWSDOWN`
//! are not among the flags for the same reason. What is named is all that may be set.

use libc::{MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, MAP_STACK, PROT_READ, PROT_WRITE};

use super::List;
use crate::seccomp::rule::{Arg, Test, call};

/// Protections with which nothing can be executed.
const DATA: u64 = (PROT_READ | PROT_WRITE) as u64;

/// A private mapping, with none of the flags that would hide it from a limit.
const PRIVATE: Arg = Arg::long(
    3,
    Test::Masked { mask: !((MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | MAP_STACK) as u64), value: MAP_PRIVATE as u64 },
    "MAP_PRIVATE, and at most MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_STACK",
);

pub(in crate::seccomp) const MEMORY: List = &[
    call!(SYS_brk, "the allocator's main heap grows and shrinks"),
    call!(SYS_mmap, "the allocator's large blocks; a guest's memories, tables and stacks")
        .with(&[Arg::long(2, Test::Within(DATA), "at most PROT_READ, PROT_WRITE"), PRIVATE]),
    call!(SYS_munmap, "the allocator and the engine give memory back"),
    call!(SYS_mremap, "the allocator grows a large block").with(&[Arg::long(
        3,
        Test::Is(libc::MREMAP_MAYMOVE as u64),
        "MREMAP_MAYMOVE",
    )]),
];

/// Memory that is reserved becomes usable, and nothing that was filled becomes anything else: what is no longer writable would
/// be counted by no limit. Guard pages are there already, since every reservation begins with no right at all.
pub(in crate::seccomp) const GROWING: List = &[call!(
    SYS_mprotect,
    "the allocator's heaps and a guest's memory grow within what was reserved"
)
.with(&[Arg::long(2, Test::Is(DATA), "PROT_READ, PROT_WRITE")])];
