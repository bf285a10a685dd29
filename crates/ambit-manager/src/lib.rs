//! Whether, when and where something runs. So far: [`launch`], which takes an admitted module to its outcome in processes of
//! their own, [`tenant`], which keeps one that many share, and [`doctor()`], which says what of that this machine allows.
//!
//! ```text
//! Policy ─prepare─► a compiler and a worker enter their jails ─run(module)─► compiled ─► run ─► Report
//! ```
//! The control process, which this is part of, knows no engine: it neither compiles nor runs anything of a guest's.

mod doctor;
pub mod launch;
pub mod tenant;

pub use ambit_jail::{ExtraSyscalls, Spawner, wire::Entry};
pub use ambit_store::{ArtifactCache, CompilerIdentity, Place, StoreError};
pub use doctor::{Doctor, Here, LayerHere, Level, Setting, doctor};
pub use launch::{
    CodeCache, Compiled, Control, Input, LaunchConfig, LaunchEvent, LaunchRequest, Launcher, Output, Prepared, Streams, WarmWorkers,
};

/// What is made of what a jailed process says, for those who try to say something that is not stopped here.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::launch::believe::{Believed, CompilerSays, End, Repeats, WorkerSays, compiler, worker};
}
