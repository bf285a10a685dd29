//! Untrusted bytes to a verified module: size caps, static limits, feature and import policy, validation.
//!
//! [`admit`] reads a module once and either gives a [`Verified`] or says what is wrong with it and what would help.
//!
//! ```
//! use ambit_admit::{AdmitRules, Entry, admit};
//! use ambit_core::{Profile, RejectReason};
//!
//! let rules = AdmitRules::from_policy(&Profile::Default.policy());
//! let module = wat::parse_str(r#"(module (memory 1 16) (func (export "_start")))"#)?;
//! let verified = admit(module, &rules)?;
//! assert!(verified.is_command());
//! assert_eq!(verified.entries(), [Entry::Start]);
//! assert_eq!(verified.memories()[0].to_string(), "memory 1..=16");
//!
//! let shared = wat::parse_str("(module (memory 1 1 shared))")?;
//! let rejection = admit(shared, &rules).expect_err("threads are never allowed");
//! assert_eq!(rejection.reason, RejectReason::UnsupportedFeature);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here runs, compiles or instantiates anything, reads a file or a clock, or starts a thread. What a [`Verified`]
//! does not promise: that the module means well, or that it compiles within any time.
#![forbid(unsafe_code)]

mod admit;
mod component_function;
mod entry;
mod facts;
mod features;
mod grants;
mod imports;
mod interface;
mod known;
mod risk;
mod rules;
mod scan;
mod shape;
#[cfg(feature = "wat")]
mod text;
mod types;
mod uses;
mod verified;

pub use admit::{Hashed, admit, admit_again};
pub use component_function::{ComponentFunction, component_call};
pub use entry::Entry;
pub use features::wasm_features;
pub use grants::could_ask_for;
pub use known::{known_functions, known_interfaces};
pub use risk::{Risk, Severity, risk};
pub use rules::{AdmitRules, HostFunction, InterfaceFunction};
pub use shape::Shape;
#[cfg(feature = "wat")]
pub use text::text;
pub use types::{ComponentFunc, ExternType, FuncType, MemoryType, TableType, ValType};
pub use verified::{CodeFacts, CustomSection, Customs, Export, Import, ModuleKind, Nested, Verified};
