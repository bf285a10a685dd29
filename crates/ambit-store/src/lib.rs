//! Modules and artifacts at rest, in a directory that many processes may use at once.
//!
//! A [`Place`] is that directory, with its owner and its permissions checked. An [`ArtifactCache`] in it keeps what modules were
//! compiled to, each under a seal that only the control process can make.
//!
//! ```
//! use ambit_store::{ArtifactCache, Place};
//!
//! let dir = tempfile::tempdir()?;
//! let place = Place::open(&dir.path().join("store"))?;
//! let cache = ArtifactCache::open(&place, 1 << 30)?;
//! assert_eq!(cache.usage()?.artifacts, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing that is read from a store ever names a path: names of files are digests, computed here.

mod cache;
mod error;
mod files;
mod place;

pub use cache::{ArtifactCache, ArtifactKey, CacheUsage, CompilerIdentity, Found};
pub use error::StoreError;
pub use place::Place;

/// What tests of a crash need.
#[doc(hidden)]
pub mod testing {
    pub use crate::files::{Interposed, interpose};
}
