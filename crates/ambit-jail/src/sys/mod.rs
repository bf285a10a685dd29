//! System calls that have no safe wrapper elsewhere: the only unsafe code of this crate. Each function here is safe to call,
//! and says in its own body why.

mod clock;
mod clone;
mod fds;
mod mount;
mod page;
mod pagemap;
mod seal;
mod userns;
mod wait;

pub(crate) use clock::process_cpu_time;
pub(crate) use clone::{ChildPlan, Step, clone_and_exec};
pub(crate) use fds::{close_others, control_fd};
pub(crate) use mount::{MountAttributes, set_attributes};
pub use page::SharedPage;
pub(crate) use pagemap::pagemap_scan;
pub(crate) use seal::seal_stack;
pub(crate) use userns::user_namespace;
pub(crate) use wait::wait;
