//! Tags, aliases and pins: what points at modules.

use super::Store;
use crate::{
    error::StoreError,
    name::{ModuleName, Namespace, TagName},
    record::{Record, VersionText},
    reference::Reference,
};

impl Store {
    /// Has `name:tag` be what `reference`, of the same name, is now.
    ///
    /// # Errors
    /// There is no such version; or a system call failed.
    pub fn tag(&self, namespace: &Namespace, reference: &Reference, tag: &TagName) -> Result<(), StoreError> {
        let record = self.resolve(namespace, reference)?.record;
        let Some(called) = record.called else {
            return Err(StoreError::Refused(format!("`{reference}` has no name to be tagged")));
        };
        let tag = tag.clone();
        self.point(Record::Tag { namespace: namespace.clone(), name: called.name, tag, version: VersionText(called.version) })
    }

    /// Takes a tag away; whether there was one.
    ///
    /// # Errors
    /// A system call failed.
    pub fn untag(&self, namespace: &Namespace, name: &ModuleName, tag: &TagName) -> Result<bool, StoreError> {
        let version = VersionText(semver::Version::new(0, 0, 0));
        self.unpoint(&Record::Tag { namespace: namespace.clone(), name: name.clone(), tag: tag.clone(), version })
    }

    /// Has `alias` be another name of `to`, whatever that is when it is asked for.
    ///
    /// # Errors
    /// Modules have that name; or there is nothing that it would lead to; or a system call failed.
    pub fn alias(&self, namespace: &Namespace, alias: &ModuleName, to: &Reference) -> Result<(), StoreError> {
        if !self.modules_of(namespace, alias)?.is_empty() {
            return Err(StoreError::Refused(format!("`{alias}` is the name of a module, and cannot be another name of one too")));
        }
        if self.resolve(namespace, to)?.by.iter().any(|by| by == alias.as_str()) {
            return Err(StoreError::Refused(format!("`{alias}` would lead to itself")));
        }
        self.point(Record::Alias { namespace: namespace.clone(), alias: alias.clone(), to: to.to_string() })
    }

    /// Takes an alias away; whether there was one.
    ///
    /// # Errors
    /// A system call failed.
    pub fn unalias(&self, namespace: &Namespace, alias: &ModuleName) -> Result<bool, StoreError> {
        self.unpoint(&Record::Alias { namespace: namespace.clone(), alias: alias.clone(), to: String::new() })
    }

    /// Has a module not be evicted.
    ///
    /// # Errors
    /// There is none; or a system call failed.
    pub fn pin(&self, namespace: &Namespace, reference: &Reference) -> Result<(), StoreError> {
        let digest = self.resolve(namespace, reference)?.record.digest;
        self.point(Record::Pin { namespace: namespace.clone(), digest })
    }

    /// Takes a pin away; whether there was one.
    ///
    /// # Errors
    /// There is no such module; or a system call failed.
    pub fn unpin(&self, namespace: &Namespace, reference: &Reference) -> Result<bool, StoreError> {
        let digest = self.resolve(namespace, reference)?.record.digest;
        self.unpoint(&Record::Pin { namespace: namespace.clone(), digest })
    }

    pub(super) fn point(&self, record: Record) -> Result<(), StoreError> {
        let _changing = self.changing()?;
        self.put(&[record], |_| Ok(()))
    }

    /// Takes away what is where this record would be.
    pub(super) fn unpoint(&self, record: &Record) -> Result<bool, StoreError> {
        let _changing = self.changing()?;
        let id = record.id();
        self.taking(|index, taken| self.take(index, &id, taken))
    }
}
