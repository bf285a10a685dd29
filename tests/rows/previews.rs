//! Programs do the same by preview 1 and, behind the adapter that toolchains put before them, by preview 2.

use std::{fs, path::Path};

use ambit_core::{Grants, Outcome};

use crate::{
    adapted,
    door::{Ask, Door, Ran, guest, shown},
};

/// A directory with files to read, one of them larger than what is read at once, and a link.
fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("small.txt"), "one\ntwo\n").expect("written");
    fs::write(dir.path().join("large.txt"), "0123456789abcde\n".repeat(20_000)).expect("written");
    fs::create_dir(dir.path().join("below")).expect("made");
    for number in 0..300 {
        fs::write(dir.path().join(format!("below/{number}")), "x").expect("written");
    }
    std::os::unix::fs::symlink("small.txt", dir.path().join("link")).expect("linked");
    dir
}

fn run(module: &[u8], args: &[&str], limits: &[(&str, &str)], grants: impl FnOnce(&mut Grants)) -> Ran {
    let mut ask = Ask::bytes(module.to_vec(), limits).command(args);
    grants(ask.spec.grants.get_or_insert_default());
    Door::new().run(ask)
}

/// What a program says and leaves behind in a directory that it is given.
fn in_dir(module: &[u8], args: &[&str], access: &str, left: &str) -> (Outcome, String, Option<Vec<u8>>) {
    let dir = filled();
    let grant = format!("{}:/data:{access}", dir.path().display());
    let Ran { report, stdout, .. } = run(module, args, &[], |grants| grants.dirs = vec![grant.parse().expect("a grant")]);
    (report.outcome, String::from_utf8(stdout).expect("text"), fs::read(Path::join(dir.path(), left)).ok())
}

#[test]
fn files_are_the_same_by_both() {
    let check = |program: &str, args: &[&str], access: &str, left: &str, success: bool| {
        let module = guest(&format!("bin/{program}.wasm"));
        let by_1 = in_dir(&module, args, access, left);
        assert_eq!(by_1.0.is_success(), success, "{program} {args:?}: {by_1:?}");
        let by_2 = in_dir(&adapted::program(&module), args, access, left);
        assert_eq!(by_1, by_2, "{program} {args:?}");
        by_2
    };
    check("cat", &["/data/small.txt", "/data/link"], "ro", "", true);
    assert_eq!(check("cat", &["/data/large.txt"], "ro", "", true).1.len(), 320_000);
    check("wc", &["/data/large.txt"], "ro", "", true);
    check("cat", &["/data/none.txt"], "ro", "", false);
    check("cat", &["/data/../small.txt"], "ro", "", false);
    assert_eq!(check("dirlist", &["/data/below"], "ro", "", true).1.lines().count(), 300);
    check("dirlist", &["/data"], "ro", "", true);
    let left = check("writer", &["/data/new.bin", "200000"], "rw", "new.bin", true).2;
    assert_eq!(left.map(|bytes| bytes.len()), Some(200_000));
    assert_eq!(check("writer", &["/data/new.bin", "10"], "ro", "new.bin", false).2, None);
}

#[test]
fn what_is_written_is_charged_to_the_same_limits_by_both() {
    let writer = guest("bin/writer.wasm");
    let component = adapted::program(&writer);
    let violated = |module: &[u8], size: &str, limits: &[(&str, &str)], tmp: &str| {
        let ran = run(module, &["/tmp/new.bin", size], limits, |grants| grants.tmp = Some(tmp.parse().expect("a size")));
        let rules: Vec<String> = ran.report.violations.iter().map(|violation| violation.rule.clone()).collect();
        (shown(&ran.report.outcome), rules, ran.report.usage.disk_bytes)
    };
    let check = |size: &str, limits: &[(&str, &str)], tmp: &str, rule: Option<&str>| {
        let (by_1, by_2) = (violated(&writer, size, limits, tmp), violated(&component, size, limits, tmp));
        assert_eq!(by_1.1, Vec::from_iter(rule.map(ToString::to_string)), "{by_1:?}");
        assert_eq!((&by_1.0, &by_1.1), (&by_2.0, &by_2.1), "{size} {limits:?} {tmp}");
        (by_1.2, by_2.2)
    };
    let (by_1, by_2) = check("100000", &[], "1MiB", None);
    assert_eq!((by_1, by_2), (Some(100_000), Some(100_000)));
    check("200000", &[], "128KiB", Some("tmp"));
    check("200000", &[("disk", "128KiB")], "1MiB", Some("disk"));
    check("200000", &[("file-size", "128KiB")], "1MiB", Some("file-size"));
}
