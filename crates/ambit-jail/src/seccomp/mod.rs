//! Which system calls a process may make once it is in its jail: an allow-list, kept as commented data in [`lists`], beyond
//! which every call kills the process.
//!
//! A list is for one engine and one [`Use`]. It holds no way to make a process, a thread, a socket or a name for anything
//! outside: threads are started and descriptors handed over before the list is in force. What is allowed is often allowed
//! for some arguments only; where a rule takes an argument apart, it names the bits that may be set and not those that may
//! not, so that a flag of a later kernel is denied until somebody has thought of it.
//!
//! What a filter cannot see is what a pointer points to: paths and addresses are Landlock's and the namespaces' matter.

mod extra;
mod filter;
mod lists;
mod never;
mod offered;
mod policy;
mod rule;
mod table;

pub use extra::{ExtraSyscalls, UnknownSyscall};
pub(crate) use filter::remapping_fails;
pub use policy::{SyscallPolicy, Use};
pub use rule::{Arg, Condition, Phase, Rule};
pub use table::table;
