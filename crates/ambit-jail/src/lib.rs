//! Puts a process behind walls, so that native code which runs there finds nothing.
//!
//! A process is [spawned](spawn()) into namespaces and control groups of its own; it then [enters](enter()) the rest of its
//! jail, in one ordered function each step of which fails closed. What goes between it and its parent are frames over one
//! socket ([`wire`]).

pub mod cgroup;
mod error;
mod landlock;
mod seccomp;
mod sys;

pub use error::JailError;
pub use landlock::{LandlockStatus, abi as landlock_abi, restrict as restrict_files};
pub use seccomp::{Arg, Condition, ExtraSyscalls, Phase, Rule, SyscallPolicy, UnknownSyscall, Use, table as syscall_table};
