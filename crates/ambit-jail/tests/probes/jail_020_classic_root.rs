//! jail-020: what is in the root, the empty one and the one that looks like a small system's.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use ambit_core::{Access, Layer};

use crate::{
    Test,
    jail::{Jail, Stage},
    jail_017_half_a_jail::lacks,
    outside::outside,
    probe::{Attempt, Came, Given, Probes},
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_020_the_root_holds_what_was_granted", the_root_holds_what_was_granted),
    ("jail_020_the_classic_root_is_a_small_system", the_classic_root_is_a_small_system),
    ("jail_020_nothing_in_the_classic_root_is_changed", nothing_in_the_classic_root_is_changed),
];

pub(crate) const PROBES: Probes = &[
    ("all of the root", Attempt::Look(all_of_the_root)),
    ("the root without Landlock", Attempt::Look(without_landlock)),
    ("change the root", Attempt::Look(change)),
];

/// Every name beneath `/` with its owner, its mode and what it holds.
fn all_of_the_root(_: &Given) -> String {
    let mut found = Vec::new();
    let mut open = vec![Path::new("/").to_owned()];
    while let Some(dir) = open.pop() {
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) => return format!("{}: {:?}", dir.display(), error.kind()),
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            let about = path.symlink_metadata().expect("looked at");
            let (owner, mode) = (about.uid(), about.mode() & 0o7777);
            if about.is_dir() {
                found.push(format!("{} {owner} {mode:o}", path.display()));
                open.push(path);
            } else {
                let holds = fs::read_to_string(&path).expect("read");
                found.push(format!("{} {owner} {mode:o} {holds:?}", path.display()));
            }
        }
    }
    found.sort();
    found.join("\n")
}

/// The same in a jail of which Landlock is no part, since it would let nothing be seen.
fn without_landlock(given: &Given) -> String {
    lacks(&[444]);
    let mut jail = Jail { dispensable: vec![Layer::Landlock], ..Jail::new() }.at(Stage::Below);
    jail.classic_root = given.with.contains("classic");
    jail.tmp = given.with.contains("tmp").then_some(1 << 20);
    let dir = tempfile::tempdir().expect("a directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("set");
    if given.with.contains("dir") {
        jail.dirs.push((dir.path().to_owned(), Access::ReadOnly));
    }
    match jail.attempt("all of the root", "") {
        Came::Said(said) => said,
        other => format!("{other:?}"),
    }
}

/// Tries to make and to change things in each of its directories.
fn change(_: &Given) -> String {
    let make = |dir: &str| fs::write(format!("{dir}/new"), "x");
    let tries = [make("/"), make("/tmp"), make("/home"), make("/work"), make("/etc"), fs::write("/etc/passwd", "root::0:0::/:/")];
    tries.map(|tried| tried.map_or_else(|error| format!("{:?}", error.kind()), |()| "went".into())).join(" ")
}

fn is(jail: &str, expect: &str) {
    assert_eq!(outside("the root without Landlock", jail), Came::said(expect), "{jail}");
}

fn the_root_holds_what_was_granted() {
    is("", "");
    is("tmp", "/tmp 65534 700");
    is("dir", "/dir0 65534 700");
}

/// What there is of it, but for `/tmp`.
const CLASSIC: &str = "/etc 65534 755
/etc/group 65534 444 \"nogroup:x:65534:\\n\"
/etc/passwd 65534 444 \"nobody:x:65534:65534:nobody:/home:/\\n\"
/home 65534 755";

fn the_classic_root_is_a_small_system() {
    is("classic", &format!("{CLASSIC}\n/tmp 65534 755\n/work 65534 755"));
    is("classic tmp", &format!("{CLASSIC}\n/tmp 65534 700\n/work 65534 755"));
    is("classic dir", &format!("/dir0 65534 700\n{CLASSIC}\n/tmp 65534 755\n/work 65534 755"));
    // Landlock lets it be read, and the empty one not even be listed.
    let classic = Jail { classic_root: true, ..Jail::new() }.at(Stage::Below);
    assert_eq!(classic.attempt("all of the root", ""), Came::said(format!("{CLASSIC}\n/tmp 65534 755\n/work 65534 755")));
    let empty = Jail::new().at(Stage::Below);
    assert_eq!(empty.attempt("all of the root", ""), Came::said("/: PermissionDenied"));
}

fn nothing_in_the_classic_root_is_changed() {
    let denied = "ReadOnlyFilesystem";
    let classic = Jail { classic_root: true, ..Jail::new() }.at(Stage::Below);
    assert_eq!(classic.attempt("change the root", ""), Came::said([denied; 6].join(" ")));
    let with_tmp = Jail { tmp: Some(1 << 20), ..classic };
    assert_eq!(with_tmp.attempt("change the root", ""), Came::said([denied, "went", denied, denied, denied, denied].join(" ")));
}
