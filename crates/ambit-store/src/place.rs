//! Where a store is, and whether anybody else can change what is in it.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::process::{getegid, geteuid};

use crate::{
    error::StoreError,
    files::Dir,
    image_name::Repository,
    name::{ModuleName, Namespace},
    record,
};

/// Beneath the directory for the data of a person's programs.
const BELOW_DATA: &str = "ambit/store";
/// The same where XDG_DATA_HOME is not set.
const BELOW_HOME: &str = ".local/share/ambit/store";

/// The directory of a store, with every directory on the way to it checked.
#[derive(Debug)]
pub struct Place {
    root: Dir,
}

impl Place {
    /// Where a person's store is, by the rules of XDG. `variable` looks up a variable of the environment.
    ///
    /// # Errors
    /// Neither `XDG_DATA_HOME` nor `HOME` is an absolute path.
    pub fn of_person(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, StoreError> {
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data = absolute("XDG_DATA_HOME").map(|data| data.join(BELOW_DATA));
        data.or_else(|| absolute("HOME").map(|home| home.join(BELOW_HOME))).ok_or(StoreError::NoPlace)
    }

    /// Opens it, and makes it if there is none.
    ///
    /// # Errors
    /// It cannot be made; or it, or a directory above it, belongs to somebody else, or others may write to it; or it is a symbolic
    /// link.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let absolute = std::path::absolute(path).map_err(StoreError::system("find the directory", path))?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(unsafe_for(path, "is no directory of its own", "name one with --store DIR"));
        };
        make(parent)?;
        // Links above it are their owner's, who is checked; the directory itself is no link.
        let parent = fs::canonicalize(parent).map_err(StoreError::system("find the directory", parent))?;
        for above in parent.ancestors() {
            check_above(above)?;
        }
        Ok(Self { root: Dir::root(&parent.join(name))? })
    }

    /// Opens it if there is one, and makes nothing.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn existing(path: &Path) -> Result<Option<Self>, StoreError> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::system("look at", path)(error)),
            Ok(_) => Self::open(path).map(Some),
        }
    }

    /// Whether anything is known here of a module of this name, without a look into the index.
    ///
    /// # Errors
    /// A system call failed.
    pub fn knows(&self, namespace: &Namespace, name: &ModuleName) -> Result<bool, StoreError> {
        self.has_records(&record::family_of(namespace, name))
    }

    /// The same of an image's repository.
    ///
    /// # Errors
    /// A system call failed.
    pub fn knows_image(&self, namespace: &Namespace, repository: &Repository) -> Result<bool, StoreError> {
        self.has_records(&record::images_of(namespace, repository))
    }

    fn has_records(&self, family: &str) -> Result<bool, StoreError> {
        let Some(records) = self.root.existing("records")? else { return Ok(false) };
        Ok(!records.existing(family)?.map_or(Ok(Vec::new()), |dir| dir.names())?.is_empty())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn root(&self) -> &Dir {
        &self.root
    }
}

/// Makes a directory and those above it, for their owner alone.
fn make(path: &Path) -> Result<(), StoreError> {
    use fs::DirBuilder;
    use std::os::unix::fs::DirBuilderExt;

    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::system("make the directory", path))
}

/// Who may write into a directory above may put another store into this one's place.
fn check_above(path: &Path) -> Result<(), StoreError> {
    let found = fs::symlink_metadata(path).map_err(StoreError::system("look at", path))?;
    let (owner, mode) = (found.uid(), found.mode());
    if owner != 0 && owner != geteuid().as_raw() {
        let why = format!("is above the store and belongs to user {owner}");
        return Err(unsafe_for(path, &why, "choose another place with --store DIR or AMBIT_STORE"));
    }
    // In a sticky directory nobody moves what is another's.
    let sticky = mode & 0o1000 != 0;
    // A group of one's own is usual.
    let group = mode & 0o020 != 0 && found.gid() != 0 && found.gid() != getegid().as_raw();
    if !sticky && (mode & 0o002 != 0 || group) {
        let remedy = format!("`chmod go-w {}`, or choose another place with --store DIR or AMBIT_STORE", path.display());
        return Err(unsafe_for(path, "is above the store and others may write to it", &remedy));
    }
    Ok(())
}

pub(crate) fn unsafe_for(path: &Path, why: &str, remedy: &str) -> StoreError {
    StoreError::Unsafe { path: path.to_owned(), why: why.to_owned(), remedy: remedy.to_owned() }
}

/// Refuses a directory of the store itself that is not its user's alone.
pub(crate) fn check_own(path: &Path, owner: u32, mode: u32) -> Result<(), StoreError> {
    if owner != geteuid().as_raw() {
        let why = format!("belongs to user {owner}, and not to you");
        return Err(unsafe_for(path, &why, "choose another place with --store DIR or AMBIT_STORE"));
    }
    if mode & 0o022 != 0 {
        return Err(unsafe_for(path, "may be written to by others", &format!("`chmod go-w {}`", path.display())));
    }
    Ok(())
}

/// What is said of a directory that cannot be opened for being something else.
pub(crate) fn no_directory(path: &Path, error: io::Error) -> StoreError {
    let link = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink());
    if link {
        return unsafe_for(path, "is a symbolic link", "name the directory that it leads to, with --store DIR or AMBIT_STORE");
    }
    StoreError::system("open the directory", path)(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_person_s_store_is_where_xdg_says() {
        let check = |data: Option<&str>, home: Option<&str>, expect: Option<&str>| {
            let variable = |name: &str| if name == "HOME" { home } else { data }.map(OsString::from);
            assert_eq!(Place::of_person(variable).ok(), expect.map(PathBuf::from), "{data:?} {home:?}");
        };
        check(Some("/d"), Some("/h"), Some("/d/ambit/store"));
        check(None, Some("/h"), Some("/h/.local/share/ambit/store"));
        check(Some("relative"), Some("/h"), Some("/h/.local/share/ambit/store"));
        check(None, Some(""), None);
        check(None, None, None);
    }

    #[test]
    fn st_004_a_place_that_others_can_change_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let refused = |path: &Path, words: &str| {
            let error = Place::open(path).expect_err("refused");
            assert!(error.is_unsafe() && error.to_string().contains(words), "{error}");
        };
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
        let store = dir.path().join("store");
        Place::open(&store).expect("a fresh one");
        mode(&store, 0o770);
        refused(&store, "chmod go-w");
        mode(&store, 0o700);
        let link = dir.path().join("link");
        symlink(&store, &link).expect("a link");
        refused(&link, "symbolic link");
        mode(dir.path(), 0o777);
        refused(&store, "above the store");
        // As in /tmp.
        mode(dir.path(), 0o1777);
        Place::open(&store).expect("in a sticky directory");
        if geteuid().is_root() {
            std::os::unix::fs::chown(&store, Some(12345), None).expect("another owner");
            refused(&store, "belongs to user 12345");
            std::os::unix::fs::chown(dir.path(), Some(12345), None).expect("another owner");
            refused(&store, "above the store and belongs to user 12345");
        }
    }
}
