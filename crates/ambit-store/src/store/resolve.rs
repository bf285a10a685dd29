//! From what is asked for to a module.

use semver::Version;
use serde::Serialize;

use super::{Info, Store};
use crate::{
    error::StoreError,
    index::{Row, Used},
    name::{ModuleName, Namespace},
    record::{self, ModuleRecord, Record, RecordId, VersionText},
    reference::{Reference, Select},
};

/// As many aliases may lead to one another.
const MOST_ALIASES: usize = 8;

/// What something that is asked for is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The module.
    #[serde(flatten)]
    pub record: ModuleRecord,
    /// The aliases that led to it.
    pub by: Vec<String>,
}

/// All that is known of a name.
#[derive(Debug, Default)]
struct Family {
    modules: Vec<ModuleRecord>,
    tags: Vec<(String, Version)>,
    alias: Option<String>,
}

impl Store {
    /// Finds a module. What the index says of it is compared with the records first, and made to agree with them if it does not.
    ///
    /// # Errors
    /// There is none; or a record of that name is damaged, so that it cannot be told which is meant; or a system call failed.
    pub fn resolve(&self, namespace: &Namespace, reference: &Reference) -> Result<Resolved, StoreError> {
        let mut by = Vec::new();
        let mut wanted = reference.clone();
        loop {
            let (name, select) = match wanted {
                Reference::Digest(digest) => return Ok(Resolved { record: self.by_digest(namespace, digest)?, by }),
                Reference::Named(name, select) => (name, select),
            };
            let family = self.family(namespace, &name)?;
            if let Some(to) = &family.alias {
                by.push(name.to_string());
                if by.len() > MOST_ALIASES {
                    return Err(StoreError::Refused(format!("the alias `{reference}` leads to more than {MOST_ALIASES} others")));
                }
                wanted = aliased(to, select).map_err(StoreError::Refused)?;
                continue;
            }
            let record = choose(&family, &select).ok_or_else(|| not_found(reference, &family))?;
            return Ok(Resolved { record: self.confirmed(record)?, by });
        }
    }

    /// All that is known of a module.
    ///
    /// # Errors
    /// As [`Store::resolve`].
    pub fn info(&self, namespace: &Namespace, reference: &Reference) -> Result<Info, StoreError> {
        let record = self.resolve(namespace, reference)?.record;
        let Used { stored_at: _, last_used_at, uses } = self.index.used(record.digest)?;
        let tags = match &record.called {
            Some(called) => {
                let tags = self.family(namespace, &called.name)?.tags.into_iter();
                tags.filter(|(_, version)| *version == called.version).map(|(tag, _)| tag).collect()
            }
            None => Vec::new(),
        };
        let pin = Record::Pin { namespace: namespace.clone(), digest: record.digest };
        let pinned = self.index.about(record.digest)?.iter().any(|(id, _)| *id == pin.id());
        Ok(Info { record, tags, last_used_at, uses, pinned })
    }

    /// Every name that a module has.
    ///
    /// # Errors
    /// As [`Store::resolve`].
    pub fn names_of(&self, namespace: &Namespace, digest: ambit_core::Digest) -> Result<Vec<ModuleName>, StoreError> {
        let mut names = Vec::new();
        for (_, json) in self.index.about(digest)? {
            if let Record::Module(ModuleRecord { namespace: of, called: Some(called), .. }) = self.parsed(&json)?
                && of == *namespace
            {
                names.push(called.name);
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Whether a name leads to another.
    pub(super) fn is_alias(&self, namespace: &Namespace, name: &ModuleName) -> Result<bool, StoreError> {
        Ok(self.family(namespace, name)?.alias.is_some())
    }

    /// The versions of a name.
    pub(super) fn modules_of(&self, namespace: &Namespace, name: &ModuleName) -> Result<Vec<ModuleRecord>, StoreError> {
        Ok(self.family(namespace, name)?.modules)
    }

    fn by_digest(&self, namespace: &Namespace, digest: ambit_core::Digest) -> Result<ModuleRecord, StoreError> {
        let mut images = Vec::new();
        for (id, json) in self.index.about(digest)? {
            match self.parsed(&json)? {
                // The index may have put it to another digest.
                Record::Module(module) if module.namespace == *namespace && module.digest == digest => {
                    return self.confirmed(module);
                }
                Record::Image(image) if image.namespace == *namespace => images.push(id),
                Record::Module(_)
                | Record::Image(_)
                | Record::Tag { .. }
                | Record::Alias { .. }
                | Record::Pin { .. }
                | Record::Signature { .. }
                | Record::TrustedKey { .. }
                | Record::SignatureRule { .. }
                | Record::Revoked { .. } => {}
            }
        }
        for id in images {
            // As its file says, whatever the index does.
            if let Some(image) = self.image_at(&id)?.filter(|image| image.module.digest == digest) {
                return Ok(image.module());
            }
        }
        Err(StoreError::NotFound { what: digest.to_string(), near: String::new() })
    }

    /// A record of the index, if its file says the same.
    fn confirmed(&self, module: ModuleRecord) -> Result<ModuleRecord, StoreError> {
        let record = Record::Module(module);
        let id = record.id();
        let found = self.records.existing(&id.family)?.map(|dir| record::read_in(&dir, &id)).transpose()?.flatten();
        match (found, record) {
            (Some((found, _)), record) if found != record => self.heal(&id.family).and_then(|()| match found {
                Record::Module(module) => Ok(module),
                Record::Tag { .. }
                | Record::Alias { .. }
                | Record::Pin { .. }
                | Record::Image(_)
                | Record::Signature { .. }
                | Record::TrustedKey { .. }
                | Record::SignatureRule { .. }
                | Record::Revoked { .. } => Err(StoreError::NotFound { what: id.item, near: String::new() }),
            }),
            (Some(_), Record::Module(module)) => Ok(module),
            (_, record) => {
                self.heal(&id.family)?;
                let what = record.digest().map_or(id.item, |digest| digest.to_string());
                Err(StoreError::NotFound { what, near: String::new() })
            }
        }
    }

    /// All that is known of a name, if index and records agree on what there is; made to if not.
    fn family(&self, namespace: &Namespace, name: &ModuleName) -> Result<Family, StoreError> {
        let family = record::family_of(namespace, name);
        let mut rows = self.index.family(&family)?;
        if !self.agree(&family, &rows)? {
            self.heal(&family)?;
            rows = self.index.family(&family)?;
        }
        let mut known = Family::default();
        for Row { json, .. } in rows {
            match self.parsed(&json)? {
                Record::Module(module) => known.modules.push(module),
                Record::Tag { tag, version: VersionText(version), .. } => known.tags.push((tag.to_string(), version)),
                Record::Alias { to, .. } => known.alias = Some(to),
                Record::Pin { .. }
                | Record::Image(_)
                | Record::Signature { .. }
                | Record::TrustedKey { .. }
                | Record::SignatureRule { .. }
                | Record::Revoked { .. } => {}
            }
        }
        Ok(known)
    }

    /// Whether the index has rows for the very files that there are.
    fn agree(&self, family: &str, rows: &[Row]) -> Result<bool, StoreError> {
        let mut files = self.records.existing(family)?.map_or(Ok(Vec::new()), |dir| dir.names())?;
        files.sort();
        let there = |row: &Row| {
            let about = Record::from_json(&row.json).map(|record| record.id());
            about.is_ok_and(|id| id.family == family && id.item == row.item)
        };
        Ok(rows.iter().map(|row| &row.item).eq(files.iter()) && rows.iter().all(there))
    }

    /// Makes the index say of a family what its records say. One that is damaged could be the one that is meant, so it is an error.
    fn heal(&self, family: &str) -> Result<(), StoreError> {
        let _changing = self.changing()?;
        self.index.write(|index| {
            index.forget_family(family)?;
            let Some(dir) = self.records.existing(family)? else { return Ok(()) };
            for item in dir.names()? {
                let id = RecordId { family: family.to_owned(), item };
                if let Some((record, json)) = record::read_in(&dir, &id)? {
                    index.put(&record, &json)?;
                }
            }
            Ok(())
        })
    }
}

/// What an alias leads to, with what was asked for of it.
fn aliased(to: &str, select: Select) -> Result<Reference, String> {
    let target: Reference = to.parse().map_err(|error| format!("an alias leads to `{to}`: {error}"))?;
    match (target, select) {
        (target, Select::Newest) => Ok(target),
        (Reference::Named(name, Select::Newest), select) => Ok(Reference::Named(name, select)),
        (target, _) => Err(format!("an alias leads to `{target}`, of which there are no versions or tags to choose from")),
    }
}

fn choose(family: &Family, select: &Select) -> Option<ModuleRecord> {
    let version = |module: &&ModuleRecord| module.called.as_ref().map(|called| called.version.clone());
    let newest = |with: &dyn Fn(&Version, &ModuleRecord) -> bool| {
        let modules = family.modules.iter().filter(|module| version(module).is_some_and(|version| with(&version, module)));
        modules.max_by_key(version).cloned()
    };
    match select {
        Select::Newest => newest(&|version, _| version.pre.is_empty()).or_else(|| newest(&|_, _| true)),
        Select::Version(wanted) => newest(&|version, _| version == wanted),
        Select::Versions(wanted) => newest(&|version, _| wanted.matches(version)),
        Select::Digest(wanted) => newest(&|_, module| module.digest == *wanted),
        Select::Tag(wanted) => {
            let (_, tagged) = family.tags.iter().find(|(tag, _)| tag == wanted.as_str())?;
            newest(&|version, _| version == tagged)
        }
    }
}

fn not_found(reference: &Reference, family: &Family) -> StoreError {
    let mut versions: Vec<&Version> = family.modules.iter().filter_map(|module| Some(&module.called.as_ref()?.version)).collect();
    versions.sort();
    let versions: Vec<String> = versions.into_iter().rev().take(5).map(Version::to_string).collect();
    let near = if versions.is_empty() { String::new() } else { format!(", but versions {} of that name", versions.join(", ")) };
    StoreError::NotFound { what: reference.to_string(), near }
}
