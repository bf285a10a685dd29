//! Whether everything is as it should be, and making it so as far as that can be done.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use ambit_core::Digest;
use rustix::fs::FlockOperation;
use serde::Serialize;

use super::{Store, StoreOptions, locked};
use crate::{
    blob::{MOST_BYTES, Unread},
    error::StoreError,
    files::Dir,
    index::{FILE, Writing},
    metadata::Metadata,
    name::Namespace,
    place::Place,
    record::{self, ModuleRecord, Record, RecordId},
    reference::{Reference, Select},
};

/// A record, and the text of its file.
type Written = (Record, String);
/// Records by where they are.
type Records = BTreeMap<RecordId, Written>;

/// What is to be done about a record that forbade something nobody knows.
const SAY_AGAIN: &str = "it says whose signatures count or are required: remove it, and say that again with `ambit key`";
/// How long others are waited for who have the store open: they may have it open for ever.
const IMPATIENCE: Duration = Duration::from_millis(200);

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fsck {
    /// Modules whose bytes were read and hashed.
    pub modules: u64,
    /// Records that were read.
    pub records: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, and with which module, record or file.
    pub what: String,
    /// What was done about it; nothing unless the store was to be repaired.
    pub repaired: Option<String>,
}

impl Fsck {
    /// Whether something is wrong still.
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.repaired.is_none())
    }

    fn find(&mut self, what: String, repaired: Option<&str>) {
        self.findings.push(Finding { what, repaired: repaired.map(str::to_owned) });
    }
}

impl Store {
    /// Opens a store whose index is damaged, with a new one in its place. What was known of use is lost.
    ///
    /// # Errors
    /// Somebody has the store open; or a system call failed.
    pub fn open_with_new_index(place: Place, options: StoreOptions) -> Result<Self, StoreError> {
        {
            let root = place.root();
            let _alone =
                locked(root, "users", FlockOperation::NonBlockingLockExclusive, IMPATIENCE, "others have it open: end them first")?;
            for name in [FILE.to_owned(), format!("{FILE}-wal"), format!("{FILE}-shm")] {
                root.remove(&name)?;
            }
        }
        Self::open(place, options)
    }

    /// Reads everything, and says what is wrong; with `repair` does about it what can be done. What is damaged is moved aside; the index
    /// is made anew from the records; a record that is damaged is restored from the index, if that has it; a module that no record knows
    /// can be had by its digest again.
    ///
    /// # Errors
    /// A system call failed.
    pub fn fsck(&self, repair: bool) -> Result<Fsck, StoreError> {
        let _alone = self.alone()?;
        let mut fsck = Fsck::default();
        if let Some(why) = self.index.thoroughly_checked()? {
            fsck.find(format!("the index is damaged: {why}"), None);
        }
        let indexed: BTreeMap<RecordId, String> = self.index.all()?.into_iter().collect();
        let mut records = self.check_records(&indexed, repair, &mut fsck)?;
        self.check_protective(&indexed, &mut records, repair, &mut fsck)?;
        let there = self.check_blobs(&mut records, repair, &mut fsck)?;
        self.check_missing(&mut records, &there, repair, &mut fsck)?;
        self.check_index(&indexed, &records, repair, &mut fsck)?;
        check_dependencies(&records, &mut fsck);
        Ok(fsck)
    }

    /// Every record that is whole, or could be restored.
    fn check_records(&self, indexed: &BTreeMap<RecordId, String>, repair: bool, fsck: &mut Fsck) -> Result<Records, StoreError> {
        let mut records = BTreeMap::new();
        for family in self.records.names()? {
            let Some(dir) = self.records.existing(&family)? else { continue };
            for item in dir.names()? {
                let id = RecordId { family: family.clone(), item };
                fsck.records += 1;
                match record::read_in(&dir, &id) {
                    Ok(Some(found)) => drop(records.insert(id, found)),
                    Ok(None) => {}
                    Err(StoreError::RecordDamaged { path, why }) => {
                        let restored = self.restore(&dir, &id, indexed, repair)?;
                        let what = format!("the record `{}` is damaged: {why}", path.display());
                        let (what, done) = match (repair, restored.is_some()) {
                            (false, _) => (what, None),
                            (true, true) => (what, Some("restored from the index")),
                            // What it forbade would be allowed without it.
                            (true, false) if id.is_protective() => (format!("{what}; {SAY_AGAIN}"), None),
                            (true, false) => (what, Some("moved aside")),
                        };
                        fsck.find(what, done);
                        records.extend(restored.map(|found| (id, found)));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(records)
    }

    /// Records that forbid something, and that only the index has: somebody has removed their files.
    fn check_protective(
        &self,
        indexed: &BTreeMap<RecordId, String>,
        records: &mut Records,
        repair: bool,
        fsck: &mut Fsck,
    ) -> Result<(), StoreError> {
        for (id, json) in indexed.iter().filter(|(id, _)| id.is_protective()) {
            let Ok(record) = Record::from_json(json) else { continue };
            if records.contains_key(id) || record.id() != *id {
                continue;
            }
            if repair {
                self.write_record(&record, json)?;
                records.insert(id.clone(), (record.clone(), json.clone()));
            }
            fsck.find(format!("the record of {} is gone", title(&record)), repair.then_some("restored from the index"));
        }
        Ok(())
    }

    /// Writes a damaged record anew, as the index has it; if that has it not, moves it aside.
    fn restore(
        &self,
        dir: &Dir,
        id: &RecordId,
        indexed: &BTreeMap<RecordId, String>,
        repair: bool,
    ) -> Result<Option<Written>, StoreError> {
        let found = indexed.get(id).and_then(|json| Some((Record::from_json(json).ok()?, json.clone())));
        // The index could be damaged too: what it has must at least be about the same.
        let found = found.filter(|(record, _)| record.id() == *id);
        if repair {
            match &found {
                Some((record, json)) => self.write_record(record, json)?,
                None if id.is_protective() => {}
                None => self.blobs.take_aside(dir, &id.item)?,
            }
        }
        Ok(found)
    }

    /// The modules that are there, and are what their names say.
    fn check_blobs(&self, records: &mut Records, repair: bool, fsck: &mut Fsck) -> Result<HashMap<Digest, u64>, StoreError> {
        let sizes: HashMap<Digest, u64> = records.values().flat_map(|(record, _)| named(record)).collect();
        let mut there = HashMap::new();
        for (digest, compressed) in self.blobs.all()? {
            let Some(blob) = self.blobs.open(digest)? else { continue };
            let size = sizes.get(&digest);
            let read = size.map_or_else(|| blob.read_any(digest, MOST_BYTES), |size| blob.read(digest, *size));
            fsck.modules += 1;
            match read {
                Ok(bytes) => {
                    there.insert(digest, bytes.len() as u64);
                    if size.is_none() && !bytes.starts_with(b"\0asm") {
                        // What somebody who was ended had of an image.
                        if repair {
                            self.blobs.move_aside(digest)?;
                        }
                        fsck.find(
                            format!("no record knows the blob {digest}, which is no module"),
                            repair.then_some("moved aside"),
                        );
                    } else if size.is_none() {
                        let (size, at) = (bytes.len() as u64, blob.written_at());
                        records.extend(self.unknown(digest, (size, compressed), at, repair, fsck)?);
                    }
                }
                Err(Unread::Damaged(why)) => {
                    if repair {
                        self.blobs.move_aside(digest)?;
                    }
                    fsck.find(format!("the module {digest} is damaged: {why}"), repair.then_some("moved aside: add it once more"));
                }
                Err(Unread::System(error)) => fsck.find(format!("the module {digest} cannot be read: {error}"), None),
            }
        }
        Ok(there)
    }

    /// A module that no record knows: left by somebody who was ended, or its record is lost. Gives back what it has now.
    fn unknown(
        &self,
        digest: Digest,
        (size, compressed_size): (u64, u64),
        added_at: i64,
        repair: bool,
        fsck: &mut Fsck,
    ) -> Result<Option<(RecordId, Written)>, StoreError> {
        let done = "can be had by its digest, until it is removed";
        fsck.find(format!("no record knows the module {digest}"), repair.then_some(done));
        if !repair {
            return Ok(None);
        }
        let (namespace, metadata) = (Namespace::default(), Metadata::default());
        let record = Record::Module(ModuleRecord { namespace, called: None, digest, size, compressed_size, added_at, metadata });
        let json = record.to_json();
        self.write_record(&record, &json)?;
        Ok(Some((record.id(), (record, json))))
    }

    /// Records of modules that are not there.
    fn check_missing(
        &self,
        records: &mut Records,
        there: &HashMap<Digest, u64>,
        repair: bool,
        fsck: &mut Fsck,
    ) -> Result<(), StoreError> {
        let lacks = |record: &Record| {
            record.digest().is_some_and(|digest| !there.contains_key(&digest))
                || named(record).iter().any(|(digest, _)| !there.contains_key(digest))
        };
        let missing = records.iter().filter(|(_, (record, _))| lacks(record));
        let missing: Vec<(RecordId, String)> = missing.map(|(id, (record, _))| (id.clone(), title(record))).collect();
        for (id, title) in missing {
            if repair {
                self.remove_record(&id)?;
                records.remove(&id);
            }
            fsck.find(format!("what `{title}` names is not there"), repair.then_some("its record was removed"));
        }
        Ok(())
    }

    fn check_index(
        &self,
        indexed: &BTreeMap<RecordId, String>,
        records: &Records,
        repair: bool,
        fsck: &mut Fsck,
    ) -> Result<(), StoreError> {
        let differs: Vec<&RecordId> = indexed
            .keys()
            .chain(records.keys())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .filter(|id| indexed.get(id) != records.get(id).map(|(_, json)| json))
            .collect();
        if differs.is_empty() {
            return Ok(());
        }
        if repair {
            self.index.write(|index| rebuild(index, records, &self.index_of_blobs()?))?;
        }
        let what = format!("the index differs from {} of the records", differs.len());
        fsck.find(what, repair.then_some("made anew from the records"));
        Ok(())
    }

    /// When each blob was written.
    fn index_of_blobs(&self) -> Result<Vec<(Digest, i64)>, StoreError> {
        let all = self.blobs.all()?.into_iter();
        all.map(|(digest, _)| Ok((digest, self.blobs.open(digest)?.map_or(0, |blob| blob.written_at())))).collect()
    }
}

fn rebuild(index: &Writing<'_>, records: &Records, blobs: &[(Digest, i64)]) -> Result<(), StoreError> {
    index.forget_all()?;
    let known: HashSet<Digest> = records.values().filter_map(|(record, _)| record.digest()).collect();
    for (record, json) in records.values() {
        index.put(record, json)?;
    }
    blobs.iter().filter(|(digest, _)| known.contains(digest)).try_for_each(|(digest, at)| index.stored_unless_known(*digest, *at))
}

fn module(record: &Record) -> Option<&ModuleRecord> {
    match record {
        Record::Module(module) => Some(module),
        Record::Tag { .. }
        | Record::Alias { .. }
        | Record::Pin { .. }
        | Record::Image(_)
        | Record::Signature { .. }
        | Record::TrustedKey { .. }
        | Record::SignatureRule { .. }
        | Record::Revoked { .. } => None,
    }
}

/// The blobs that a record names, and how long each is.
pub(super) fn named(record: &Record) -> Vec<(Digest, u64)> {
    match record {
        Record::Module(module) => vec![(module.digest, module.size)],
        Record::Image(image) => image.parts().chain([image.module]).map(|part| (part.digest, part.size)).collect(),
        Record::Tag { .. }
        | Record::Alias { .. }
        | Record::Pin { .. }
        | Record::Signature { .. }
        | Record::TrustedKey { .. }
        | Record::SignatureRule { .. }
        | Record::Revoked { .. } => Vec::new(),
    }
}

fn title(record: &Record) -> String {
    match record {
        Record::Module(module) => module.title(),
        Record::Pin { digest, .. } => format!("a pin of {digest}"),
        Record::Tag { name, tag, .. } => format!("{name}:{tag}"),
        Record::Alias { alias, .. } => alias.to_string(),
        Record::Signature { signature, .. } => format!("a signature of {}", signature.statement.module),
        Record::TrustedKey { trusted, .. } => format!("the key {}", trusted.key.id().short()),
        Record::SignatureRule { rule, .. } => format!("what is required of {}", rule.names),
        Record::Revoked { revocation } => format!("that {} is revoked", revocation.key.short()),
        Record::Image(image) => image.reference().to_string(),
    }
}

/// Modules that need others which are not there. Nothing can be done about it here but to say so.
fn check_dependencies(records: &Records, fsck: &mut Fsck) {
    let modules: Vec<&ModuleRecord> = records.values().filter_map(|(record, _)| module(record)).collect();
    for module in &modules {
        for dependency in &module.metadata.dependencies {
            let serves = |other: &&&ModuleRecord| {
                other.namespace == module.namespace
                    && other
                        .called
                        .as_ref()
                        .is_some_and(|called| called.name == dependency.name && dependency.versions.matches(&called.version))
            };
            if !modules.iter().any(|other| serves(&other)) {
                let wanted = Reference::Named(dependency.name.clone(), Select::Versions(dependency.versions.clone()));
                fsck.find(format!("`{}` needs `{wanted}`, which is not there", module.title()), None);
            }
        }
    }
}
