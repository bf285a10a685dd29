//! Who says of a module that it is theirs, and who is believed.
//!
//! A [`ModuleSignature`] lies apart from the module and names its digest, and may say what it is called. [Embedded](embedded) ones are in
//! the module, as the WebAssembly module-signatures convention has them. A [`CosignSignature`] is of an image's manifest. All three are
//! checked with keys that somebody [trusts](TrustedKey) for some names, unless they were [revoked](Revocation); whether there must be one is
//! what [rules](SignatureRule) say.

pub mod cosign;
pub mod embedded;
mod judge;
mod key;
mod pattern;
mod ring;
mod signature;
mod trust;

pub use self::{
    cosign::CosignSignature,
    judge::{Claim, Evidence, How, ImageClaim, MOST_TRIED, SignedBy, Verdict},
    key::{Algorithm, KeyId, PublicKey, SecretKey},
    pattern::NamePattern,
    ring::{KeyRing, OwnKey},
    signature::{LONGEST_SIGNATURE, ModuleSignature, Statement},
    trust::{Revocation, SignatureRule, Trust, TrustedKey},
};
pub(crate) use trust::MOST;

/// What is no key, or no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// A key, or the name of one.
    #[error("{0}")]
    Key(String),
    /// A signature.
    #[error("it is no signature: {0}")]
    Signature(String),
    /// A pattern of names.
    #[error("{0}")]
    Pattern(String),
}
