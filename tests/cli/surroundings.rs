//! Where it is started from: streams that nobody reads, signals that are ignored, namespaces of somebody else's.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::{
    ambit::{LEVELS, run_at},
    skipped::skip,
};

const HELLO: &str = "guests/bin/hello.wasm";
const TRAPS: &str = r#"(module (func (export "_start") unreachable))"#;

/// A pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Runs `ambit` behind other words, as `env` or `unshare`.
fn behind(words: &[&str], level: &str, run: &[&str]) -> Output {
    let ambit = run_at(level, run).into_command();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(ambit.get_program()).args(ambit.get_args());
    command.current_dir(crate::ambit::root()).stdin(Stdio::null()).output().expect("the command before it is there")
}

#[test]
fn the_exit_status_is_the_runs_whether_anybody_reads_or_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let traps = dir.path().join("traps.wat");
    fs::write(&traps, TRAPS).expect("written");
    let traps = traps.to_str().expect("UTF-8");
    let add: &[&str] = &["--invoke", "add", "guests/bin/add.wasm", "1", "2"];
    for level in LEVELS {
        for (words, status) in [
            (&["--report", "-", traps][..], 134),
            (&["--repeat", "3", traps], 134),
            (&["--repeat", "3", "--json", traps], 134),
            (&["--report", "-", "no-such-file.wasm"], 126),
            (add, 0),
        ] {
            let mut command = run_at(level, words).into_command();
            let ended = command.stdin(Stdio::null()).stdout(unread()).stderr(unread()).status().expect("it ends");
            assert_eq!(ended.code(), Some(status), "{level}: {words:?}");
        }
    }
}

#[test]
fn a_report_replaces_nothing_that_the_run_reads_and_waits_for_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = dir.path().join("m.wasm");
    fs::copy(crate::ambit::root().join(HELLO), &module).expect("copied");
    let before = fs::read(&module).expect("read");
    let module = module.to_str().expect("UTF-8");
    let input = dir.path().join("input");
    fs::write(&input, "words").expect("written");
    let input = input.to_str().expect("UTF-8");
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).expect("a pipe");
    let pipe = pipe.to_str().expect("UTF-8");
    for level in LEVELS {
        run_at(level, &["--report", module, module]).done().says(125, &["which the run reads"]);
        run_at(level, &["--report", input, "--stdin", input, "guests/bin/cat.wasm"]).done().says(125, &["which the run reads"]);
        run_at(level, &["--report", pipe, HELLO]).done().says(125, &["nobody reads that pipe"]);
    }
    assert_eq!(fs::read(module).expect("read"), before);
    assert_eq!(fs::read_to_string(input).expect("read"), "words");
}

#[test]
fn ignored_signals_stay_ignored_and_ends_are_heard_of() {
    let ignoring = |signal: &str| format!("--ignore-signal={signal}");
    // Without the ends of its processes nobody knew what had killed this one.
    let denied = behind(&["env", &ignoring("CHLD")], "process", &["--deny-syscall", "mmap", HELLO]);
    let talk = String::from_utf8_lossy(&denied.stderr);
    assert!(denied.status.code() == Some(137) && talk.contains("--deny-syscall"), "{denied:?}");
    let report = behind(&["env", &ignoring("CHLD")], "process", &["--report", "-", HELLO]);
    assert!(String::from_utf8_lossy(&report.stderr).contains("cpu_ns"), "{report:?}");

    let words = ["--timeout", "2s", "--invoke", "run", "guests/hostile/cpu-002.wat"];
    for level in LEVELS {
        let script = r#""$@" & sleep 0.5; kill -HUP $!; wait $!"#;
        let ended = behind(&["env", &ignoring("HUP"), "sh", "-c", script, "sh"], level, &words);
        assert_eq!(ended.status.code(), Some(124), "{level}: {ended:?}");
    }
}

#[test]
fn a_proc_of_another_namespace_is_seen_before_anything_is_written_there() {
    if !rustix::process::geteuid().is_root() {
        return skip(
            "a_proc_of_another_namespace_is_seen_before_anything_is_written_there",
            "only root makes PID namespaces alone",
        );
    }
    let run = behind(&["unshare", "--mount", "--pid", "--fork"], "process", &[HELLO]);
    let talk = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.code() == Some(126) && talk.contains("mount -t proc proc /proc"), "{run:?}");
    let with = behind(&["unshare", "--mount", "--pid", "--fork", "--mount-proc"], "process", &[HELLO]);
    assert!(with.status.success(), "{with:?}");
}

#[test]
fn root_of_a_namespace_with_nobody_else_in_it_has_a_jail_too() {
    let test = "root_of_a_namespace_with_nobody_else_in_it_has_a_jail_too";
    if !Command::new("unshare").args(["--user", "--map-root-user", "true"]).status().is_ok_and(|status| status.success()) {
        return skip(test, "this machine does not let it make user namespaces");
    }
    let unshare = ["unshare", "--user", "--map-root-user"];
    let hello = behind(&unshare, "process", &["--report", "-", HELLO]);
    let report = String::from_utf8_lossy(&hello.stderr);
    assert!(hello.status.success() && hello.stdout == b"hello, world\n", "{hello:?}");
    for layer in ["user-namespace", "mount-namespace", "no-capabilities", "seccomp"] {
        assert!(report.contains(layer), "{layer}: {report}");
    }
    // What it writes is its own.
    let dir = tempfile::tempdir().expect("a directory");
    let grant = format!("{}:/d:rw", dir.path().display());
    let wrote = behind(&unshare, "process", &["--dir", &grant, "guests/bin/writer.wasm", "--", "/d/file", "10"]);
    assert!(wrote.status.success(), "{wrote:?}");
    let owner = |path: &Path| std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).expect("there"));
    let made = fs::read_dir(dir.path()).expect("a directory").next().expect("a file").expect("a file").path();
    assert_eq!(owner(&made), owner(dir.path()));
}
