//! The vocabulary of Ambit: pure values that every other crate speaks in.
//!
//! Nothing here does I/O, reads a clock or knows an engine. A [`Digest`] names a module; [`Limits`] say how much of each
//! resource a guest may use; [`Grants`] say what it may reach at all; a [`Policy`] is both with their ceilings; a run
//! ends in exactly one [`Outcome`], and a [`Report`] says what was used and what was attempted.
//!
//! ```
//! use ambit_core::{Isolation, LimitKey, PolicySpec, Profile};
//!
//! let mut spec = PolicySpec::default();
//! spec.limits.set("memory", "16MiB")?;
//! let policy = Profile::Default.policy().narrow(&spec)?.resolve(Isolation::None)?;
//! assert_eq!(policy.limits.get(LimitKey::Memory).finite(), Some(16 << 20));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Core types are externally tagged and postcard-safe, so that they cross process boundaries as they are. What people
//! and programs read is [`Report::view`], whose JSON shapes are kept as golden files.

mod bound;
mod capabilities;
mod compile_settings;
mod component;
mod counter;
mod digest;
mod enforce;
mod event;
mod feature;
mod few;
mod grants;
mod ids;
mod imports;
mod layer;
mod limits;
mod outcome;
mod policy;
mod profile;
mod report;
mod report_view;
mod selection;
mod shape;
mod size;
mod span;
mod stack;
mod text;
mod trap;
mod units;
mod usage;
mod violation;

pub use bound::{Bound, LimitValue};
pub use capabilities::EngineCapabilities;
pub use compile_settings::CompileSettings;
pub use component::{ComponentFuncType, ComponentType, ComponentValue, Dialect, Malformed, Mismatch};
pub use counter::Counter;
pub use digest::{Digest, ParseDigestError};
pub use enforce::{Enforcement, Unenforceable};
pub use event::Event;
pub use feature::{Feature, FeatureSet, UnknownFeature};
pub use few::few;
pub use grants::{Access, Clock, DirGrant, GrantKey, Grants, NetGrant, ParseGrantError, Random, Stdin};
pub use ids::{EngineId, Isolation, Metering, RunId, UnknownName};
pub use imports::{ImportPolicy, ImportRule};
pub use layer::Layer;
pub use limits::{LimitError, LimitKey, LimitSpec, Limits, LimitsSpec, RunLimits, RunLimitsSpec};
pub use outcome::{Outcome, RejectReason, Rejection};
pub use policy::{OnMemoryRefusal, Policy, PolicyError, PolicySpec};
pub use profile::Profile;
pub use report::{ArtifactSource, Report, ResultValue};
pub use selection::{Ability, Choice, ParsePreferenceError, Preferences, Requirement, choose};
pub use shape::{ShapeKey, ShapeLimits, ShapeLimitsSpec};
pub use size::ByteSize;
pub use span::Span;
pub use stack::StackClass;
pub use text::{escape, escape_again, escape_shown};
pub use trap::{Frame, TrapKind};
pub use units::{Count, Cpus, ParseUnitError};
pub use usage::Usage;
pub use violation::Violation;
