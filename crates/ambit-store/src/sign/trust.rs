//! Whose signatures count, for what, and where there must be one.

use std::collections::BTreeSet;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{
    key::{KeyId, PublicKey},
    pattern::NamePattern,
};
use crate::{
    error::StoreError,
    name::{Namespace, TagName},
    place::Place,
    record::{self, Record, RecordId},
};

/// As many keys and rules are read of a namespace, and as many revoked keys.
pub(crate) const MOST: usize = 1024;

/// A key whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// What it is called here.
    pub label: Option<TagName>,
    /// For which names.
    pub names: Vec<NamePattern>,
    /// Since when, in seconds since 1970.
    pub since: i64,
}

/// There must be a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureRule {
    /// Of what.
    pub names: NamePattern,
    /// One that says a version not before this.
    #[serde(with = "record::optional_version")]
    pub min_version: Option<Version>,
}

/// A key whose signatures count no more, wherever and whenever they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Which.
    pub key: KeyId,
    /// Why.
    pub reason: Option<String>,
    /// Since when, in seconds since 1970.
    pub since: i64,
}

/// All that a namespace says about signatures.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that count.
    pub keys: Vec<TrustedKey>,
    /// Where there must be a signature.
    pub rules: Vec<SignatureRule>,
    /// Keys that do not count, in any namespace.
    pub revoked: Vec<Revocation>,
}

impl TrustedKey {
    /// Whether it counts for this name; without one, whether it counts for everything.
    pub(super) fn is_for(&self, name: Option<&str>) -> bool {
        self.names.iter().any(|names| names.holds_of(name))
    }
}

impl Trust {
    /// What a store says, from its records and not from its index, so that nothing but two directories is opened.
    ///
    /// # Errors
    /// A record is damaged, so that it cannot be told what is required; or a system call failed.
    pub fn of(place: &Place, namespace: &Namespace) -> Result<Self, StoreError> {
        let mut trust = Self::default();
        let Some(records) = place.root().existing("records")? else { return Ok(trust) };
        for family in [record::trust_family(namespace), record::revoked_family()] {
            let Some(dir) = records.existing(&family)? else { continue };
            let names = dir.names()?;
            if names.len() > MOST {
                return Err(StoreError::Refused(format!("there are more than {MOST} keys or rules about signatures")));
            }
            for item in names {
                match record::read_in(&dir, &RecordId { family: family.clone(), item })?.map(|(record, _)| record) {
                    Some(Record::TrustedKey { trusted, .. }) => trust.keys.push(trusted),
                    Some(Record::SignatureRule { rule, .. }) => trust.rules.push(rule),
                    Some(Record::Revoked { revocation }) => trust.revoked.push(revocation),
                    Some(
                        Record::Module(_)
                        | Record::Tag { .. }
                        | Record::Alias { .. }
                        | Record::Pin { .. }
                        | Record::Image(_)
                        | Record::Signature { .. },
                    )
                    | None => {}
                }
            }
        }
        trust.keys.sort_by_key(|trusted| trusted.key.id());
        trust.rules.sort_by(|one, other| one.names.cmp(&other.names));
        trust.revoked.sort_by_key(|revocation| revocation.key);
        Ok(trust)
    }

    /// The rules that bind what has these names, or none.
    pub fn rules_for(&self, names: &[String]) -> impl Iterator<Item = &SignatureRule> {
        let binds = |rule: &&SignatureRule| rule.names.holds_of(None) || names.iter().any(|name| rule.names.holds_of(Some(name)));
        self.rules.iter().filter(binds)
    }

    /// Whether there is anything about signatures in what lies at `path`, which was refused as a store. What cannot be looked at may
    /// have some.
    pub fn may_be_said_at(path: &std::path::Path, namespace: &Namespace) -> bool {
        let some = |family: String| match std::fs::read_dir(path.join("records").join(family)) {
            Ok(mut items) => items.next().is_some(),
            Err(error) => !matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory),
        };
        some(record::trust_family(namespace)) || some(record::revoked_family())
    }

    pub(super) fn revoked(&self) -> BTreeSet<KeyId> {
        self.revoked.iter().map(|revocation| revocation.key).collect()
    }
}
