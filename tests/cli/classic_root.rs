//! `--classic-root`, seen from outside while a guest runs.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::Stdio,
};

use crate::{ambit::run_at, skipped::skip};

/// Every name in the root of the process in which `ambit run` with these words has a guest, and its `/etc/passwd`.
fn root_of_a_guest(words: &[&str]) -> (Vec<String>, String) {
    let mut command = run_at("process", &[words, &["guests/bin/cat.wasm"]].concat()).into_command();
    let mut ambit = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    // What the guest says shows that it runs; then it waits for more.
    let mut stdin = ambit.stdin.take().expect("a pipe");
    stdin.write_all(b"x").expect("written");
    ambit.stdout.take().expect("a pipe").read_exact(&mut [0]).expect("the guest says it");
    let threads = fs::read_dir(format!("/proc/{}/task", ambit.id())).expect("procfs").flatten();
    let children: String = threads.map(|thread| fs::read_to_string(thread.path().join("children")).expect("procfs")).collect();
    let worker = children
        .split_whitespace()
        .find(|child| fs::read(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.starts_with(b"ambit-worker\0")));
    let process = Path::new("/proc").join(worker.expect("its worker"));
    let (root, mut found, mut open) = (process.join("root"), Vec::new(), vec![process.join("root/.")]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).expect("listed").flatten() {
            let path = entry.path();
            found.push(path.strip_prefix(&root).expect("beneath").display().to_string());
            if entry.file_type().expect("looked at").is_dir() {
                open.push(path);
            }
        }
    }
    found.sort();
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
    drop(stdin);
    assert!(ambit.wait().expect("it ends").success());
    (found, passwd)
}

#[test]
fn a_guests_root_is_empty_and_the_classic_one_a_small_system() {
    if !rustix::process::geteuid().is_root() {
        return skip("a_guests_root_is_empty_and_the_classic_one_a_small_system", "only root may look into a jail");
    }
    assert_eq!(root_of_a_guest(&[]), (Vec::new(), String::new()));
    let classic = ["etc", "etc/group", "etc/passwd", "home", "tmp", "work"].map(String::from).to_vec();
    let passwd = "nobody:x:65534:65534:nobody:/home:/\n".to_owned();
    assert_eq!(root_of_a_guest(&["--classic-root"]), (classic, passwd));
}
