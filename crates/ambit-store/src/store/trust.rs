//! Signatures, the keys that count, and where there must be one.

use ambit_core::Digest;

use super::Store;
use crate::{
    error::StoreError,
    name::Namespace,
    place::Place,
    record::{self, Record, RecordId},
    sign::{KeyId, MOST, MOST_TRIED, ModuleSignature, NamePattern, Revocation, SignatureRule, Trust, TrustedKey},
};

/// Bytes of the reason of a revocation.
const LONGEST_REASON: usize = 1024;

impl Store {
    /// Has a key's signatures count, for the names that it says.
    ///
    /// # Errors
    /// The key was revoked; or a system call failed.
    pub fn trust(&self, namespace: &Namespace, trusted: TrustedKey) -> Result<(), StoreError> {
        let key = trusted.key.id();
        let before = self.trust_of(namespace)?;
        if before.revoked.iter().any(|revocation| revocation.key == key) {
            return Err(StoreError::Refused(format!("the key {} was revoked, and is not trusted again", key.short())));
        }
        let taken = |other: &TrustedKey| other.key.id() != key && other.label.is_some() && other.label == trusted.label;
        if let Some(other) = before.keys.iter().find(|other| taken(other)) {
            let label = other.label.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(StoreError::Refused(format!(
                "`{label}` is what {} is called: --as names this one otherwise",
                other.key.id().short()
            )));
        }
        self.room_for_one(before.keys.len() + before.rules.len())?;
        self.point(Record::TrustedKey { namespace: namespace.clone(), trusted })
    }

    /// Whether one more of what is read before each run may be added.
    fn room_for_one(&self, there: usize) -> Result<(), StoreError> {
        if there < MOST {
            Ok(())
        } else {
            Err(StoreError::Refused(format!("there are {MOST} keys and rules already, and no more are read")))
        }
    }

    /// Has a key's signatures not count; whether they did.
    ///
    /// # Errors
    /// A system call failed.
    pub fn distrust(&self, namespace: &Namespace, key: KeyId) -> Result<bool, StoreError> {
        match self.trust_of(namespace)?.keys.into_iter().find(|trusted| trusted.key.id() == key) {
            Some(trusted) => self.unpoint(&Record::TrustedKey { namespace: namespace.clone(), trusted }),
            None => Ok(false),
        }
    }

    /// Has a key's signatures count no more, in no namespace, for ever.
    ///
    /// # Errors
    /// The reason is too long; or a system call failed.
    pub fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        if revocation.reason.as_ref().is_some_and(|reason| reason.len() > LONGEST_REASON) {
            return Err(StoreError::Refused(format!("a reason has at most {LONGEST_REASON} bytes")));
        }
        self.room_for_one(self.trust_of(&Namespace::default())?.revoked.len())?;
        self.point(Record::Revoked { revocation })
    }

    /// Has there to be a signature.
    ///
    /// # Errors
    /// A system call failed.
    pub fn require_signature(&self, namespace: &Namespace, rule: SignatureRule) -> Result<(), StoreError> {
        let before = self.trust_of(namespace)?;
        self.room_for_one(before.keys.len() + before.rules.len())?;
        self.point(Record::SignatureRule { namespace: namespace.clone(), rule })
    }

    /// Takes a rule away; whether there was one.
    ///
    /// # Errors
    /// A system call failed.
    pub fn require_no_signature(&self, namespace: &Namespace, names: &NamePattern) -> Result<bool, StoreError> {
        let rule = SignatureRule { names: names.clone(), min_version: None };
        self.unpoint(&Record::SignatureRule { namespace: namespace.clone(), rule })
    }

    /// All that a namespace says about signatures.
    ///
    /// # Errors
    /// As [`Trust::of`].
    pub fn trust_of(&self, namespace: &Namespace) -> Result<Trust, StoreError> {
        Trust::of(&self.place, namespace)
    }

    /// Keeps a signature, of a module that is here or not. One of the same key, of the same name and version, is replaced. It is not
    /// checked before it is needed.
    ///
    /// # Errors
    /// The module has as many as are ever tried; or a system call failed.
    pub fn keep_signature(&self, namespace: &Namespace, signature: ModuleSignature) -> Result<(), StoreError> {
        let module = signature.statement.module;
        let record = Record::Signature { namespace: namespace.clone(), signature };
        let kept = self.records.existing(&record.id().family)?.map_or(Ok(Vec::new()), |dir| dir.names())?;
        if kept.len() >= MOST_TRIED && !kept.contains(&record.id().item) {
            let remedy = "`ambit verify --forget KEY MODULE` takes one away";
            return Err(StoreError::Refused(format!(
                "{module} has {} signatures, and no more are ever tried; {remedy}",
                kept.len()
            )));
        }
        self.point(record)
    }

    /// Takes the signatures of a key away from a module; how many there were.
    ///
    /// # Errors
    /// A system call failed.
    pub fn forget_signatures(&self, namespace: &Namespace, module: Digest, key: KeyId) -> Result<usize, StoreError> {
        let of_it = signatures_of(&self.place, namespace, module)?.0.into_iter().filter(|signature| signature.key == key);
        let mut forgotten = 0;
        for signature in of_it {
            forgotten += usize::from(self.unpoint(&Record::Signature { namespace: namespace.clone(), signature })?);
        }
        Ok(forgotten)
    }
}

/// The signatures of a module that a store keeps, from its records and not from its index; and why there may be others. No more than are
/// ever tried.
///
/// # Errors
/// A system call failed.
pub fn signatures_of(
    place: &Place,
    namespace: &Namespace,
    module: Digest,
) -> Result<(Vec<ModuleSignature>, Vec<String>), StoreError> {
    let (mut signatures, mut unread) = (Vec::new(), Vec::new());
    let family = record::signatures_family(namespace, module);
    let Some(records) = place.root().existing("records")? else { return Ok((signatures, unread)) };
    let Some(dir) = records.existing(&family)? else { return Ok((signatures, unread)) };
    let mut names = dir.names()?;
    names.sort();
    names.truncate(MOST_TRIED);
    for item in names {
        match record::read_in(&dir, &RecordId { family: family.clone(), item }) {
            // What lies here is about this module: that was compared.
            Ok(Some((Record::Signature { signature, .. }, _))) => signatures.push(signature),
            Ok(_) => {}
            // Another one may be good.
            Err(error @ StoreError::RecordDamaged { .. }) => unread.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok((signatures, unread))
}
