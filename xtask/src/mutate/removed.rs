//! Code that is taken out of a file for a while, and put back whatever happens.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::list::Mutation;

/// A file from which enforcement is taken out. Dropping it puts it back.
#[derive(Debug)]
pub(super) struct Removed {
    file: PathBuf,
    original: String,
    mutated: String,
    /// A copy of the original, for when this process is killed.
    kept: PathBuf,
    done: bool,
}

impl Removed {
    /// Takes out what `mutation` names; `keep` is a directory for the copy.
    pub(super) fn remove(root: &Path, keep: &Path, mutation: &Mutation) -> anyhow::Result<Self> {
        let file = root.join(&mutation.file);
        let original = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", mutation.file))?;
        let mutated = mutation.apply(&original)?;
        let kept = keep.join(mutation.file.replace('/', "%"));
        // The copy first, whole under its name or not there at all.
        let part = keep.join("part");
        fs::write(&part, &original)
            .and_then(|()| fs::rename(&part, &kept))
            .with_context(|| format!("cannot write `{}`", kept.display()))?;
        let removed = Self { file, original, mutated, kept, done: false };
        fs::write(&removed.file, &removed.mutated).with_context(|| format!("cannot write `{}`", mutation.file))?;
        Ok(removed)
    }

    /// Puts it back.
    ///
    /// # Errors
    /// The file cannot be written, or somebody else has changed it meanwhile.
    pub(super) fn put_back(mut self) -> anyhow::Result<()> {
        self.done = true;
        self.restore()
    }

    fn restore(&self) -> anyhow::Result<()> {
        let Self { file, original, mutated, kept, done: _ } = self;
        let now = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        if now != *mutated && now != *original {
            bail!(
                "`{}` was changed by somebody else meanwhile; put the enforcement back by hand, from `{}`",
                file.display(),
                kept.display()
            );
        }
        // Written, not moved: cargo sees from the time of the write that what it built is stale.
        fs::write(file, original)
            .with_context(|| format!("cannot write `{}`; its text is in `{}`", file.display(), kept.display()))?;
        fs::remove_file(kept).with_context(|| format!("cannot remove `{}`", kept.display()))
    }

    /// Puts back what an earlier process was killed over, and gives back which files.
    pub(super) fn recover(root: &Path, keep: &Path) -> anyhow::Result<Vec<String>> {
        let mut recovered = Vec::new();
        for entry in fs::read_dir(keep).with_context(|| format!("cannot read `{}`", keep.display()))? {
            let kept = entry?.path();
            let name = kept.file_name().map(|name| name.to_string_lossy().replace('%', "/")).unwrap_or_default();
            if name != "part" {
                let original = fs::read(&kept)?;
                fs::write(root.join(&name), original).with_context(|| format!("cannot put back `{name}`"))?;
                recovered.push(name);
            }
            fs::remove_file(&kept)?;
        }
        Ok(recovered)
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        if !self.done
            && let Err(error) = self.restore()
        {
            crate::output::talk(&format!("xtask: {error:#}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    const ORIGINAL: &str = "if used > limit { return Err(used); }\n";

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a temporary directory");
            fs::create_dir_all(dir.path().join("src")).expect("made");
            fs::create_dir_all(dir.path().join("keep")).expect("made");
            fs::write(dir.path().join("src/a.rs"), ORIGINAL).expect("written");
            Self(dir)
        }

        fn remove(&self, find: &str) -> anyhow::Result<Removed> {
            let [limit, file, replace, test] = ["memory", "src/a.rs", "false", ""].map(str::to_owned);
            Removed::remove(self.0.path(), &self.keep(), &Mutation { limit, file, find: find.into(), replace, test })
        }

        fn keep(&self) -> PathBuf {
            self.0.path().join("keep")
        }

        fn check(&self, expect: &str, kept: usize) {
            assert_eq!(fs::read_to_string(self.0.path().join("src/a.rs")).expect("read"), expect);
            assert_eq!(fs::read_dir(self.keep()).expect("read").count(), kept);
        }
    }

    #[test]
    fn it_is_put_back() {
        let place = Place::new();
        let removed = place.remove("used > limit").expect("found once");
        place.check("if false { return Err(used); }\n", 1);
        removed.put_back().expect("written");
        place.check(ORIGINAL, 0);
    }

    #[test]
    fn it_is_put_back_after_a_panic() {
        let place = Place::new();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _removed = place.remove("used > limit").expect("found once");
            panic!("in the middle");
        }));
        assert!(panicked.is_err());
        place.check(ORIGINAL, 0);
    }

    #[test]
    fn it_is_put_back_after_a_kill() {
        let place = Place::new();
        std::mem::forget(place.remove("used > limit"));
        place.check("if false { return Err(used); }\n", 1);
        assert_eq!(Removed::recover(place.0.path(), &place.keep()).expect("readable"), ["src/a.rs"]);
        place.check(ORIGINAL, 0);
    }

    #[test]
    fn what_is_not_there_changes_nothing() {
        let place = Place::new();
        assert!(place.remove("used < limit").is_err());
        place.check(ORIGINAL, 0);
    }

    #[test]
    fn the_work_of_others_is_not_lost() {
        let place = Place::new();
        let removed = place.remove("used > limit").expect("found once");
        fs::write(place.0.path().join("src/a.rs"), "edited").expect("written");
        assert!(removed.put_back().is_err_and(|error| error.to_string().contains("by hand")));
        place.check("edited", 1);
    }
}
