//! What a store knows, in small files: an index can be made from these again, and nothing is believed of it that these do not say.
//!
//! ```text
//! records/<family>/<item>     one line of JSON, and its SHA-256 in the next
//! ```
//! Family and item are digests: of the name that a record is about, and of what it says of it. So all that is known of a name lies in
//! one directory, and no name is ever part of a path.

use std::{fmt, io::Read};

use ambit_core::Digest;
use semver::Version;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    error::StoreError,
    files::Dir,
    image_name::Repository,
    image_record::ImageRecord,
    metadata::Metadata,
    name::{ModuleName, Namespace, TagName},
    sign::{ModuleSignature, NamePattern, Revocation, SignatureRule, TrustedKey},
};

/// The most bytes of a record.
pub(crate) const LONGEST: u64 = 64 << 10;

/// A module in a store, under one of its names or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleRecord {
    /// Whose it is.
    pub namespace: Namespace,
    /// What it is called.
    pub called: Option<Called>,
    /// Which module.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// As many it has in the store.
    pub compressed_size: u64,
    /// When it was stored, in seconds since 1970.
    pub added_at: i64,
    /// What is said of it.
    pub metadata: Metadata,
}

/// A name and a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Called {
    /// The name.
    pub name: ModuleName,
    /// The version.
    #[serde(with = "text")]
    pub version: Version,
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl ModuleRecord {
    /// What a person calls it: `name@version`, or its digest.
    pub fn title(&self) -> String {
        self.called.as_ref().map_or_else(|| self.digest.to_string(), Called::to_string)
    }
}

/// Something that a store knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Record {
    /// A module is here.
    Module(ModuleRecord),
    /// `name:tag` is that version.
    Tag { namespace: Namespace, name: ModuleName, tag: TagName, version: VersionText },
    /// Another name of something.
    Alias { namespace: Namespace, alias: ModuleName, to: String },
    /// A module is not to be evicted.
    Pin { namespace: Namespace, digest: Digest },
    /// A signature of a module, which need not be here.
    Signature { namespace: Namespace, signature: ModuleSignature },
    /// Signatures of a key count.
    TrustedKey { namespace: Namespace, trusted: TrustedKey },
    /// There must be a signature.
    SignatureRule { namespace: Namespace, rule: SignatureRule },
    /// Signatures of a key do not count any more.
    Revoked { revocation: Revocation },
    /// A name of a registry's is that image.
    Image(ImageRecord),
}

/// A version, as text in records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct VersionText(#[serde(with = "text")] pub(crate) Version);

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RecordId {
    pub(crate) family: String,
    pub(crate) item: String,
}

/// The directory of all that is known of a name.
pub(crate) fn family_of(namespace: &Namespace, name: &ModuleName) -> String {
    hash(&["name", namespace.as_str(), name.as_str()])
}

/// The directory of a module's signatures.
pub(crate) fn signatures_family(namespace: &Namespace, module: Digest) -> String {
    hash(&["signatures", namespace.as_str(), &module.to_string()])
}

/// What ends the name of a directory of records that forbid something: nothing is repaired there by taking it away.
const PROTECTIVE: &str = ".trust";

impl RecordId {
    /// Whether it is of those that forbid something.
    pub(crate) fn is_protective(&self) -> bool {
        self.family.ends_with(PROTECTIVE)
    }
}

/// The directory of keys that are trusted, and of rules about signatures.
pub(crate) fn trust_family(namespace: &Namespace) -> String {
    hash(&["trust", namespace.as_str()]) + PROTECTIVE
}

/// The directory of keys that are trusted no more.
pub(crate) fn revoked_family() -> String {
    hash(&["revoked"]) + PROTECTIVE
}

/// Where a rule is.
pub(crate) fn rule_id(namespace: &Namespace, names: &NamePattern) -> RecordId {
    RecordId { family: trust_family(namespace), item: hash(&["rule", names.as_str()]) }
}

/// The directory of modules without a name.
fn unnamed(namespace: &Namespace) -> String {
    hash(&["unnamed", namespace.as_str()])
}

/// The directory of images of one repository.
pub(crate) fn images_of(namespace: &Namespace, repository: &Repository) -> String {
    hash(&["images", namespace.as_str(), &repository.to_string()])
}

impl Record {
    pub(crate) fn id(&self) -> RecordId {
        let (family, item) = match self {
            Record::Module(ModuleRecord { namespace, called: Some(Called { name, version }), .. }) => {
                (family_of(namespace, name), hash(&["version", &version.to_string()]))
            }
            Record::Module(ModuleRecord { namespace, called: None, digest, .. }) => {
                (unnamed(namespace), hash(&["digest", &digest.to_string()]))
            }
            Record::Tag { namespace, name, tag, .. } => (family_of(namespace, name), hash(&["tag", tag.as_str()])),
            Record::Alias { namespace, alias, .. } => (family_of(namespace, alias), hash(&["alias"])),
            Record::Pin { namespace, digest } => (hash(&["pins", namespace.as_str()]), hash(&["pin", &digest.to_string()])),
            Record::Signature { namespace, signature } => {
                let called = signature.statement.called.as_ref().map(Called::to_string).unwrap_or_default();
                let item = hash(&["signature", &signature.key.to_string(), &called]);
                (signatures_family(namespace, signature.statement.module), item)
            }
            Record::TrustedKey { namespace, trusted } => (trust_family(namespace), hash(&["key", &trusted.key.id().to_string()])),
            Record::SignatureRule { namespace, rule } => return rule_id(namespace, &rule.names),
            Record::Revoked { revocation } => (revoked_family(), hash(&["key", &revocation.key.to_string()])),
            Record::Image(ImageRecord { namespace, repository, tag: Some(tag), .. }) => {
                (images_of(namespace, repository), hash(&["image-tag", tag.as_str()]))
            }
            Record::Image(ImageRecord { namespace, repository, tag: None, resolved, .. }) => {
                (images_of(namespace, repository), hash(&["image-digest", &resolved.to_string()]))
            }
        };
        RecordId { family, item }
    }

    /// The module that it keeps from being evicted, or is about.
    pub(crate) fn digest(&self) -> Option<Digest> {
        match self {
            Record::Module(ModuleRecord { digest, .. }) | Record::Pin { digest, .. } => Some(*digest),
            Record::Image(image) => Some(image.module.digest),
            Record::Tag { .. }
            | Record::Alias { .. }
            | Record::Signature { .. }
            | Record::TrustedKey { .. }
            | Record::SignatureRule { .. }
            | Record::Revoked { .. } => None,
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("records are maps with keys of text")
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }
}

/// What is in the file of a record.
pub(crate) fn to_file(json: &str) -> String {
    format!("{json}\n{}\n", hex(&Sha256::digest(json.as_bytes())))
}

/// What the file of a record says, if it is whole and is where it belongs.
pub(crate) fn from_file(bytes: &[u8], family: &str, item: &str) -> Result<(Record, String), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let (json, _) = text.split_once('\n').ok_or("it is cut short")?;
    if to_file(json) != text {
        return Err("it is not what was written".into());
    }
    let record = Record::from_json(json)?;
    let RecordId { family: right_family, item: right_item } = record.id();
    if (right_family.as_str(), right_item.as_str()) != (family, item) {
        return Err("it is about something else".into());
    }
    Ok((record, json.to_owned()))
}

/// The record in a file, if there is one.
pub(crate) fn read_in(dir: &Dir, id: &RecordId) -> Result<Option<(Record, String)>, StoreError> {
    let path = || dir.path().join(&id.item);
    let Some(file) = dir.read(&id.item)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(StoreError::system("read", path()))?;
    let damaged = |why| StoreError::RecordDamaged { path: path(), why };
    from_file(&bytes, &id.family, &id.item).map(Some).map_err(damaged)
}

/// A digest of parts, each with its length.
fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Versions as text.
mod text {
    use semver::Version;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(version: &Version, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(version)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The same, if there is one.
pub(crate) mod optional_version {
    use semver::Version;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(version: &Option<Version>, serializer: S) -> Result<S::Ok, S::Error> {
        version.as_ref().map(Version::to_string).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Version>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_is_found() {
        let record = Record::Pin { namespace: Namespace::default(), digest: Digest::of(b"x") };
        let RecordId { family, item } = record.id();
        let file = to_file(&record.to_json());
        assert_eq!(from_file(file.as_bytes(), &family, &item).map(|(record, _)| record), Ok(record));
        for at in 0..file.len() {
            let mut bytes = file.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(from_file(&bytes, &family, &item).is_err(), "byte {at}");
            assert!(from_file(&bytes[..at], &family, &item).is_err(), "cut at {at}");
        }
        assert!(from_file(file.as_bytes(), &family, &family).is_err());
    }
}
