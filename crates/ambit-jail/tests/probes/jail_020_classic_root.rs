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
    let (user, _) = who_it_is();
    is("tmp", &format!("/tmp {user} 700"));
    is("dir", &format!("/dir0 {user} 700"));
}

/// Who the process is in the jail: nobody in that of root, and whoever made it in that of a user.
fn who_it_is() -> (u32, u32) {
    let user = rustix::process::geteuid();
    if user.is_root() { (65534, 65534) } else { (user.as_raw(), rustix::process::getegid().as_raw()) }
}

fn the_classic_root_is_a_small_system() {
    let (user, group) = who_it_is();
    // What there is of it, but for `/tmp`.
    let classic = format!(
        "/etc {user} 755\n/etc/group {user} 444 \"nogroup:x:{group}:\\n\"\n\
         /etc/passwd {user} 444 \"nobody:x:{user}:{group}:nobody:/home:/\\n\"\n/home {user} 755"
    );
    is("classic", &format!("{classic}\n/tmp {user} 755\n/work {user} 755"));
    is("classic tmp", &format!("{classic}\n/tmp {user} 700\n/work {user} 755"));
    is("classic dir", &format!("/dir0 {user} 700\n{classic}\n/tmp {user} 755\n/work {user} 755"));
    // Landlock lets it be read, and the empty one not even be listed.
    let jail = Jail { classic_root: true, ..Jail::new() }.at(Stage::Below);
    assert_eq!(jail.attempt("all of the root", ""), Came::said(format!("{classic}\n/tmp {user} 755\n/work {user} 755")));
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
