//! Puts a process behind walls, so that native code which runs there finds nothing.
//!
//! A process is [spawned](Spawner) into namespaces and control groups of its own; it then [enters](enter()) the rest of its
//! jail, in one ordered function each step of which fails closed. What goes between it and its parent are frames over one
//! socket ([`wire`]).

mod capabilities;
pub mod cgroup;
mod child;
mod enter;
mod error;
mod grant;
mod identity;
mod landlock;
mod probe;
mod rlimits;
mod root;
mod seccomp;
mod spawn;
mod spec;
mod sys;
pub mod wire;

pub use child::{Child, End, Exit};
pub use enter::{Entered, begin, enter, receive_spec};
pub use error::JailError;
pub use grant::{GrantError, grant_dir};
pub use landlock::{LandlockStatus, abi as landlock_abi, restrict as restrict_files};
pub use probe::{Machine, Tried};
pub use seccomp::{Arg, Condition, ExtraSyscalls, Phase, Rule, SyscallPolicy, UnknownSyscall, Use, table as syscall_table};
pub use spawn::{NOBODY, SpawnOptions, Spawned, Spawner};
pub use spec::{DirSource, DirSpec, JailSpec, Purpose, Rlimits};
pub use sys::SharedPage;
