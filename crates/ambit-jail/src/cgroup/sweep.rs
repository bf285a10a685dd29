//! Groups that crashed makers left behind.

use std::{collections::BTreeSet, fs};

use super::{dir::Dir, maker::Maker, removal::remove};

/// Kills and removes the groups below `parents` whose maker is gone. Their number; one that is left in any hierarchy does not
/// count.
pub(super) fn sweep(parents: &[&Dir]) -> usize {
    let orphans: BTreeSet<String> = parents.iter().flat_map(|parent| orphans(parent)).collect();
    let removed = |name: &&String| {
        let dirs: Vec<Dir> = parents.iter().map(|parent| parent.child(name)).filter(|dir| dir.path().exists()).collect();
        remove(dirs.iter()).is_ok()
    };
    orphans.iter().filter(removed).count()
}

fn orphans(parent: &Dir) -> Vec<String> {
    let names = fs::read_dir(parent.path()).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| Maker::of(name).is_some_and(|maker| maker.is_gone())).collect()
}
