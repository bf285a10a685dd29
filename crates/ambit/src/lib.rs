//! Runs WebAssembly that you did not write and do not trust inside a Rust program, within bounds that you set.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let bytes = wat::parse_str(r#"(module (func (export "add") (param i32 i32) (result i32)
//! #     (i32.add (local.get 0) (local.get 1))))"#)?;
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use ambit::{Runtime, Units};
//!
//! let runtime = Runtime::builder().memory(64.mib()).timeout(2.secs()).build()?;
//! let module = runtime.load(bytes).await?; // admitted, compiled, cached by its digest
//! let sum: i32 = module.call("add", (5, 3)).await?; // in a fresh instance
//! assert_eq!(sum, 8);
//! # Ok::<(), ambit::Error>(()) })?;
//! # Ok(()) }
//! ```
//!
//! - A [`Runtime`] loads modules and has the cores that guests share. Everything that blocks or waits is async, under any
//!   executor; each such method has a twin whose name ends in `_blocking`, for programs without one.
//! - A [`Policy`] says what a guest may use and reach. Nothing is granted that it does not name, and what it names is enforced
//!   or refused: by the name of a limit or grant, before anything runs.
//! - A [`Module`] was admitted and compiled. [`Module::call`] and [`Module::call_json`] call a function of it in an instance of
//!   its own, [`Module::component_func`] one of a component, with values of its own types; [`Module::run`] runs it as a program and
//!   keeps what it writes; [`Module::launch`] says with what.
//! - An [`Instance`] is kept between calls: an actor with a state. [`Instance::memory_read`] and its kin look into it.
//! - A guest's failure is data: an [`Output`] or [`Error::Ended`] has its [`Outcome`], and a [`Report`] of what it used and tried.
//!
//! In one process only WebAssembly itself stands between guests and host, and nothing can stop the compiler; a single bulk
//! operation or system call is not interrupted.
//!
//! # Programs, actors, ends
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let read = |name: &str| std::fs::read(format!("{}/../../guests/bin/{name}.wasm", env!("CARGO_MANIFEST_DIR")));
//! # let (cat, counter) = (read("cat")?, read("counter")?);
//! # let endless = wat::parse_str(r#"(module (func (export "f") (loop (br 0))))"#)?;
//! use ambit::{LimitKey, Outcome, Runtime, Units};
//!
//! let runtime = Runtime::new()?;
//! let output = runtime.load_blocking(cat)?.launch().stdin("a line\n").run_blocking()?.success()?;
//! assert_eq!(output.stdout(), b"a line\n");
//!
//! let mut counter = runtime.load_blocking(counter)?.instantiate_blocking()?;
//! let _: i64 = counter.call_blocking("add", 40i64)?;
//! let sum: i64 = counter.call_blocking("add", 2i64)?;
//! assert_eq!((sum, counter.memory_read("memory", 0, 1)?), (42, vec![42]));
//!
//! let hasty = runtime.policy().adjust().timeout(10.millis()).build()?;
//! let endless = runtime.load_with_blocking(endless, &hasty)?;
//! let error = endless.call_blocking::<_, ()>("f", ()).expect_err("it ends at its deadline");
//! assert!(matches!(error.outcome(), Some(Outcome::LimitExceeded { limit: LimitKey::WallTime, .. })));
//! # Ok(()) }
//! ```
//!
//! # The memory convention
//!
//! [`Module::call_json`], [`call_msgpack`](Module::call_msgpack), [`call_postcard`](Module::call_postcard) and
//! [`call_bytes`](Module::call_bytes) pass bytes through the guest's memory. A core module that keeps this exports
//!
//! | export | type | what |
//! |---|---|---|
//! | `memory` | memory, 32-bit | where both messages lie |
//! | `alloc` | `(i32) -> i32` | takes a length, gives the address of as much room, or 0 if there is none |
//! | a function, of any name | `(i32, i32) -> i64` | takes address and length of the input, gives `address << 32 \| length` of the reply |
//! | `free` | `(i32, i32) -> ()` | takes back address and length of a reply; may be missing |
//!
//! A reply is read on the thread that awaits it, after the call is over and outside its deadline; the limit `host-buffers`
//! bounds its length, and the type it is read into what becomes of that.
//!
//! All numbers are unsigned. For each call the host asks `alloc` for the input's length, copies the input there, calls the
//! function, copies the reply out, and gives it back with `free`. The input is the function's: it frees it when it has read it.
//! Every address and length is checked in 64 bits against the memory as it is at that moment; a guest that lies traps, with
//! [`TrapKind::Exchange`].
//!
//! Guests in Rust have this from the crate `ambit-guest`, guests in C from `guests/c/ambit.h`.
#![forbid(unsafe_code)]

mod awaited;
mod block;
mod builder;
mod codec;
mod component;
mod error;
mod exchange;
mod func;
mod instance;
mod interface;
mod launch;
mod load;
mod log;
mod module;
mod output;
mod policy;
mod running;
mod runtime;
mod sealed;
mod streams;
mod units;
mod values;
mod words;

pub use ambit_admit::{
    CodeFacts, CustomSection, Customs, Entry, Export, ExternType, FuncType, Import, MemoryType, ModuleKind, Risk, Severity, Shape,
    TableType, ValType, Verified,
};
pub use ambit_core::{
    Bound, ByteSize, Clock, ComponentFuncType, ComponentType, ComponentValue, Count, Cpus, Dialect, Digest, DirGrant, EngineId,
    Event, Feature, FeatureSet, Frame, GrantKey, Grants, LimitKey, Limits, LimitsSpec, Mismatch, OnMemoryRefusal, Outcome,
    Policy as PolicyInForce, PolicySpec, Profile, Random, RejectReason, Rejection, Report, ResultValue as Value, RunId, ShapeKey,
    Span, Stdin, TrapKind, Usage, Violation,
};
pub use ambit_engine::{
    AccessError, Excess, Exported, HostCall, HostError, HostFunctions, HostFuture, RegisterError, SealKey, TableElement,
    host::{Capture, Discard, GuestOutput},
    wasmtime::{CompilerConfig, Optimize},
};
pub use ambit_runtime::{
    CacheStats, Control, Events, Finished, Heard, Latency, RunState, SchedulerStats, Tenant, TenantConfig, TenantStats,
};
pub use builder::RuntimeBuilder;
pub use component::ComponentFunc;
pub use error::Error;
pub use func::TypedFunc;
pub use instance::{Calling, Instance, InstanceControl, InstanceState, Statistics};
pub use interface::Interface;
pub use launch::Launch;
pub use module::Module;
pub use output::Output;
pub use policy::{Policy, PolicyBuilder};
pub use running::Running;
pub use runtime::Runtime;
pub use units::Units;
pub use values::{Number, Values};

/// What README.md shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
