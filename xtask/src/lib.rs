//! The project's own chores, for `cargo xtask` and for the tests that run them.
//!
//! [`tidy`] reads the tree and says what does not belong; [`figures`] measures again what SPECIFICATION.md promises;
//! [`mutate_limits`] takes each limit's enforcement out in turn and expects a test to notice.
#![forbid(unsafe_code)]

mod figures;
mod mutate;
mod output;
mod process;
mod repo;
mod rust_source;
mod tidy;

pub use figures::{FiguresArgs, figures};
pub use mutate::{MutateArgs, mutate_limits};
pub use output::{data, talk};
pub use repo::Repo;
pub use tidy::{Finding, tidy};
