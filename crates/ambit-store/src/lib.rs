//! Modules and artifacts at rest, in a directory that many processes may use at once.
//!
//! A [`Place`] is that directory, with its owner and its permissions checked. A [`Store`] has modules, each named by its digest and
//! found by a [`Reference`]. An [`ArtifactCache`] keeps what modules were compiled to, each under a seal that only the control process
//! can make.
//!
//! ```
//! use ambit_admit::AdmitRules;
//! use ambit_core::Profile;
//! use ambit_store::{Add, Called, Namespace, Place, Store, StoreOptions, signatures_of};
//!
//! let dir = tempfile::tempdir()?;
//! let store = Store::open(Place::open(&dir.path().join("store"))?, StoreOptions::default())?;
//! let module = ambit_admit::admit(b"\0asm\x01\0\0\0".to_vec(), &AdmitRules::from_policy(&Profile::Default.policy()))?;
//!
//! let called = Called { name: "tools/nothing".parse()?, version: "1.0.0".parse()? };
//! store.add(&module, Add { called: Some(called), ..Add::default() })?;
//!
//! let found = store.resolve(&Namespace::default(), &"tools/nothing@^1".parse()?)?;
//! let (bytes, _lease) = store.load(&found.record)?.into_parts();
//! assert_eq!(bytes, b"\0asm\x01\0\0\0");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing that is read from a store ever names a path: names of files are digests, computed here.

mod blob;
mod cache;
mod error;
mod files;
mod image_name;
mod image_record;
mod index;
mod metadata;
mod name;
#[cfg(feature = "oci")]
pub mod oci;
mod place;
mod record;
mod reference;
pub mod sign;
mod store;

pub use cache::{AdmissionKey, ArtifactCache, ArtifactKey, CacheUsage, CompilerIdentity, Found};
pub use error::StoreError;
pub use image_name::{ImageReference, ImageSelect, ParseImageError, Repository};
pub use image_record::{ImageRecord, Part, SignatureRecord};
pub use metadata::{Dependency, Metadata};
pub use name::{ModuleName, Namespace, ParseNameError, TagName};
pub use place::Place;
pub use record::{Called, ModuleRecord};
pub use reference::{ParseReferenceError, Reference, Select};
pub use store::{
    Add, Added, Collected, DiskUsage, Finding, Fsck, ImageParts, Info, Lease, Loaded, PutImage, Resolved, SignatureParts, Store,
    StoreOptions, signatures_of,
};

#[doc(hidden)]
pub mod testing;
