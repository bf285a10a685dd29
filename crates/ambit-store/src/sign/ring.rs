//! The keys that a person signs with: files that only their owner reads, beneath the store.

use std::{
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{fs::Mode, process::geteuid};
use serde::Serialize;
use zeroize::Zeroizing;

use super::key::{Algorithm, KeyId, LONGEST_PEM, PublicKey, SecretKey};
use crate::{
    error::StoreError,
    files::{Dir, Temporary},
    name::TagName,
    place::{Place, unsafe_for},
};

const ENDING: &str = ".key";

/// A person's own keys.
#[derive(Debug)]
pub struct KeyRing {
    keys: Dir,
    unfinished: Dir,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnKey {
    /// What it is called.
    pub name: TagName,
    /// Its name among keys.
    pub id: KeyId,
    /// What its signatures are checked with.
    pub public: PublicKey,
}

impl KeyRing {
    /// Those beneath a store.
    ///
    /// # Errors
    /// Others may read or write there; or a system call failed.
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        Ok(Self { keys: place.root().sub("keys")?, unfinished: place.root().sub("tmp")? })
    }

    /// Makes one.
    ///
    /// # Errors
    /// There is one of that name; or a system call failed.
    pub fn generate(&self, name: &TagName, algorithm: Algorithm) -> Result<OwnKey, StoreError> {
        let secret = SecretKey::generate(algorithm).map_err(|error| StoreError::Refused(error.to_string()))?;
        let mut file = Temporary::create(&self.unfinished, Mode::RUSR)?;
        file.write(secret.to_pem().as_bytes())?;
        file.sync()?;
        if !file.link(&self.keys, &file_of(name))? {
            return Err(StoreError::Refused(format!("there is a key `{name}` already: {}", self.path(name).display())));
        }
        self.keys.sync()?;
        let public = secret.public();
        Ok(OwnKey { name: name.clone(), id: public.id(), public })
    }

    /// One of them, to sign with.
    ///
    /// # Errors
    /// There is none of that name; or others may read it; or it is no key; or a system call failed.
    pub fn secret(&self, name: &TagName) -> Result<SecretKey, StoreError> {
        let path = self.path(name);
        let none = || StoreError::Refused(format!("there is no key `{name}`: `ambit key generate {name}` makes one"));
        let mut file = self.keys.read(&file_of(name))?.ok_or_else(none)?;
        let found = file.metadata().map_err(StoreError::system("look at", &path))?;
        check_secret(&path, found.is_file() && found.uid() == geteuid().as_raw(), found.mode())?;
        secret_in(&mut file, &path)
    }

    /// All of them.
    ///
    /// # Errors
    /// As [`KeyRing::secret`].
    pub fn list(&self) -> Result<Vec<OwnKey>, StoreError> {
        let names = self.keys.names()?.into_iter();
        let mut names: Vec<TagName> = names.filter_map(|name| name.strip_suffix(ENDING)?.parse().ok()).collect();
        names.sort();
        names
            .into_iter()
            .map(|name| {
                let public = self.secret(&name)?.public();
                Ok(OwnKey { id: public.id(), name, public })
            })
            .collect()
    }

    /// The file of a key.
    pub fn path(&self, name: &TagName) -> PathBuf {
        self.keys.path().join(file_of(name))
    }
}

fn file_of(name: &TagName) -> String {
    format!("{name}{ENDING}")
}

fn check_secret(path: &Path, ours: bool, mode: u32) -> Result<(), StoreError> {
    if !ours {
        return Err(unsafe_for(path, "is a private key and no file of yours", "move it away and make another"));
    }
    if mode & 0o077 != 0 {
        return Err(unsafe_for(path, "is a private key and others may read it", &format!("`chmod go= {}`", path.display())));
    }
    Ok(())
}

fn secret_in(file: &mut impl Read, path: &Path) -> Result<SecretKey, StoreError> {
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_PEM + 1));
    file.take(LONGEST_PEM as u64 + 1).read_to_string(&mut text).map_err(StoreError::system("read", path))?;
    SecretKey::from_pem(&text).map_err(|error| StoreError::Refused(format!("`{}`: {error}", path.display())))
}

impl SecretKey {
    /// A key from a file, which only its owner may read.
    ///
    /// # Errors
    /// Others may read it; or it is no key; or a system call failed.
    pub fn from_file(path: &Path) -> Result<Self, StoreError> {
        let mut file = std::fs::File::open(path).map_err(StoreError::system("open", path))?;
        let found = file.metadata().map_err(StoreError::system("look at", path))?;
        check_secret(path, true, found.mode())?;
        secret_in(&mut file, path)
    }
}
