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
    files::{Dir, Temporary, sweep},
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
        let (keys, unfinished) = (place.root().sub("keys")?, place.root().sub("tmp")?);
        // Whoever was killed while making one has left it there.
        sweep(&unfinished)?;
        Ok(Self { keys, unfinished })
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
        check_secret(&path, &found)?;
        secret_in(&mut file, &path)
    }

    /// Whether there is one of that name.
    ///
    /// # Errors
    /// A system call failed.
    pub fn has(&self, name: &TagName) -> Result<bool, StoreError> {
        Ok(self.keys.look(&file_of(name))?.is_some())
    }

    /// All of them, each with why it cannot be used, if it cannot.
    ///
    /// # Errors
    /// A system call failed.
    pub fn list(&self) -> Result<Vec<Result<OwnKey, StoreError>>, StoreError> {
        let names = self.keys.names()?.into_iter();
        let mut names: Vec<TagName> = names.filter_map(|name| name.strip_suffix(ENDING)?.parse().ok()).collect();
        names.sort();
        let one = |name: TagName| {
            let public = self.secret(&name)?.public();
            Ok(OwnKey { id: public.id(), name, public })
        };
        Ok(names.into_iter().map(one).collect())
    }

    /// The file of a key.
    pub fn path(&self, name: &TagName) -> PathBuf {
        self.keys.path().join(file_of(name))
    }
}

fn file_of(name: &TagName) -> String {
    format!("{name}{ENDING}")
}

fn check_secret(path: &Path, found: &std::fs::Metadata) -> Result<(), StoreError> {
    if !found.is_file() {
        return Err(StoreError::Refused(format!("`{}` is no regular file, and so no private key", path.display())));
    }
    if found.uid() != geteuid().as_raw() {
        let why = format!("is a private key and belongs to user {}", found.uid());
        return Err(unsafe_for(path, &why, "use one of your own"));
    }
    if found.mode() & 0o077 != 0 {
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
        use std::os::unix::fs::OpenOptionsExt;

        // A pipe would be waited for.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
        let mut file = opened.map_err(StoreError::system("open", path))?;
        check_secret(path, &file.metadata().map_err(StoreError::system("look at", path))?)?;
        secret_in(&mut file, path)
    }
}
