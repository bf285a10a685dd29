//! The repository: where it is and what is in it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

/// The repository: its root, and the files that belong to it.
#[derive(Debug, Clone)]
pub struct Repo {
    root: PathBuf,
    files: Vec<String>,
}

impl Repo {
    /// The repository this program belongs to.
    ///
    /// # Errors
    /// Its files cannot be listed.
    pub fn here() -> anyhow::Result<Self> {
        // Cargo says at run time where the package is, which is right also where builds are shared between clones.
        let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = package.parent().context("xtask lies in a repository")?.to_owned();
        let files = list(&root)?;
        Ok(Self { root, files })
    }

    /// Its root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file's place on disk.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Its files, as paths from the root with `/`, sorted.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Whether there is such a file, or a directory with files in it.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let within = |file: &String| file == path || file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        path.is_empty() || self.files.iter().any(within)
    }

    /// A file's text; `None` if it is none.
    pub(crate) fn text(&self, file: &str) -> anyhow::Result<Option<String>> {
        Ok(String::from_utf8(self.bytes(file)?).ok().filter(|text| !text.contains('\0')))
    }

    /// A file's bytes.
    pub(crate) fn bytes(&self, file: &str) -> anyhow::Result<Vec<u8>> {
        fs::read(self.path(file)).with_context(|| format!("cannot read `{file}`"))
    }
}

/// Tracked files and new ones that are not ignored; outside a clone, as in a release's archive, all but build output.
fn list(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let mut files = match git.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8(output.stdout)?.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect()
        }
        _ => {
            let mut found = Vec::new();
            walk(root, "", &mut found)?;
            found
        }
    };
    // Deleted, and not yet known to git as such.
    files.retain(|file| root.join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(root: &Path, within: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(within))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
        if entry.file_type()?.is_file() {
            found.push(path);
        } else if entry.file_type()?.is_dir() && !matches!(name.as_str(), "target" | ".git" | "node_modules") {
            walk(root, &path, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_not_listed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for file in ["a.rs", "b/c.md", "target/debug/d.rs"] {
            fs::create_dir_all(dir.path().join(file).parent().expect("within")).expect("made");
            fs::write(dir.path().join(file), "x").expect("written");
        }
        let repo = Repo { root: dir.path().into(), files: list(dir.path()).expect("listed") };
        assert_eq!(repo.files().collect::<Vec<_>>(), ["a.rs", "b/c.md"]);
        assert!(repo.has("b/") && repo.has("b/c.md") && !repo.has("b/c") && !repo.has("target"));
    }
}
