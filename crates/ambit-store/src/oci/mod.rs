//! Images: modules as registries have them, in the format of the Open Container Initiative.
//!
//! [`package`] makes an image of a module. A [`Layout`] is images in a directory or an archive. A [`Registry`] pulls and pushes them.
//! Whatever an image comes from, `fetch.rs` takes the same steps: each byte is that which a digest names that was asked for,
//! and nothing is larger than what was said, or than may be.
//!
//! ```
//! use ambit_admit::AdmitRules;
//! use ambit_core::Profile;
//! use ambit_store::oci::{self, About, Layout};
//!
//! let module = ambit_admit::admit(b"\0asm\x01\0\0\0".to_vec(), &AdmitRules::from_policy(&Profile::Default.policy()))?;
//! let image = oci::package(&module, &About::default())?;
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("layout");
//! Layout::write(&path, &image, module.bytes(), Some(&"localhost:5000/nothing:1.0".parse()?))?;
//!
//! let mut layout = Layout::open(&path)?;
//! let named = layout.images().remove(0);
//! let fetched = layout.fetch(&named, oci::MOST_MODULE)?;
//! assert_eq!(fetched.module, b"\0asm\x01\0\0\0");
//! assert_eq!(fetched.parts, image);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod client;
mod config;
pub(crate) mod cosign;
mod error;
mod fetch;
mod layout;
pub(crate) mod manifest;
mod media;
mod obtain;
mod package;

pub use self::{
    client::{Backoff, CredentialSource, Credentials, Progress, PullPolicy, Pulled, Pushed, Quiet, Registry, RegistryOptions},
    config::Component,
    cosign::{signatures, with_signature},
    error::OciError,
    fetch::{Fetched, MOST_MODULE},
    layout::{Layout, Named},
    manifest::version_of,
    obtain::{Obtained, Wanted, keep, obtain},
    package::{About, package},
};
