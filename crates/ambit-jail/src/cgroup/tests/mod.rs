//! Groups that are really made, on whatever this host has: needs no more than a shell, `dd` and `sleep`.

mod bounds;
mod delegated;
mod life;
mod orphans;
mod refused;

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Write},
    os::fd::AsRawFd,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    Cgroups, Group, Offers,
    dir::Dir,
    hierarchies::{Hierarchies, Place},
};

/// What this host has, once as it is and, where it has both versions, once as a host with v1 alone would look; those of them
/// that offer what a test needs. None: the test is skipped, and this says so.
fn offering(test: &str, needs: impl Fn(&Offers) -> bool) -> Vec<Cgroups> {
    let mut views = vec![Cgroups::discover()];
    let Hierarchies { v2, v1 } = Hierarchies::of_this_process();
    if v2.is_some() && !v1.is_empty() {
        views.push(Cgroups::with(Hierarchies { v2: None, v1 }));
    }
    let why = views[0].offers().why;
    views.retain(|cgroups| needs(&cgroups.offers()));
    if views.is_empty() {
        skip(test, &why.unwrap_or_else(|| "no such control groups here".to_owned()));
    }
    views
}

fn skip(test: &str, reason: &str) {
    if let Some(path) = std::env::var_os("AMBIT_SKIPPED") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the list of skipped tests can be written");
        writeln!(file, "SKIPPED: {test}: {reason}").expect("written");
    }
}

/// A shell that has joined the group, all of it, before it runs `script`; and what it prints.
fn member(group: &Group, script: &str) -> (Child, BufReader<ChildStdout>) {
    let join = |file: String| format!("echo 0 > /proc/{}/fd/{file} || exit 99\n", std::process::id());
    let v2 = group.into_fd().map(|fd| join(format!("{}/cgroup.procs", fd.as_raw_fd())));
    let v1 = group.join_fds().map(|fd| join(fd.as_raw_fd().to_string()));
    let script = v2.into_iter().chain(v1).chain(["echo joined\n".to_owned(), script.to_owned()]).collect::<String>();
    joined(Command::new("sh").arg("-c").arg(script))
}

/// Started, and waited for until it says `joined`.
fn joined(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("there is a shell");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    assert_eq!(line(&mut output), "joined");
    (child, output)
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("it can be read");
    line.trim_end().to_owned()
}

/// Waits until something is so, for longer than it takes on a machine that is busy with other things.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a process in `group` would find: its own group wherever it bounds something.
fn within(cgroups: &Cgroups, group: &Group) -> Cgroups {
    let place = |dir: Dir| Place { top: dir.path().to_owned(), own: dir.path().to_owned() };
    let proven = cgroups.proven();
    let v2 = proven.v2.as_ref().map(|parent| place(parent.dir.child(group.name())));
    let v1 = proven.v1.iter().map(|(resource, dir)| (*resource, dir.child(group.name())));
    let v1 = v1.filter(|(_, dir)| dir.path().exists()).map(|(resource, dir)| (resource, place(dir))).collect();
    Cgroups::with(Hierarchies { v2, v1 })
}

/// Whether a group of this whole name is left in any hierarchy.
fn is_left(cgroups: &Cgroups, name: &str) -> bool {
    let proven = cgroups.proven();
    let v2 = proven.v2.iter().map(|parent| &parent.dir);
    v2.chain(proven.v1.iter().map(|(_, dir)| dir)).any(|parent| parent.child(name).path().exists())
}
