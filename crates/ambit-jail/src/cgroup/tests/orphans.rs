//! What a maker that crashed leaves behind.

use std::{
    io::BufReader,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{super::Cgroups, super::GroupLimits, eventually, is_left, line, member, offering};

const LIMITS: GroupLimits = GroupLimits { pids: Some(8), cpus: None, memory: None };
const MAKER: &str = "AMBIT_TEST_MAKER";

/// No test, but the maker that the test below starts and kills.
#[test]
fn maker() {
    if std::env::var_os(MAKER).is_none() {
        return;
    }
    let group = Cgroups::discover().create("orphan", &LIMITS).expect("it can be made");
    let (child, _output) = member(&group, "exec sleep 600");
    announce(&format!("\nmade {} {}", group.name(), child.id()));
    thread::sleep(Duration::from_secs(600));
}

#[expect(clippy::print_stdout, reason = "what the parent waits for")]
fn announce(line: &str) {
    println!("{line}");
}

#[test]
fn groups_of_a_killed_maker_are_swept_and_no_others() {
    for cgroups in
        offering("groups_of_a_killed_maker_are_swept_and_no_others", |offers| offers.kill && offers.pids).into_iter().take(1)
    {
        let maker = format!("{}::maker", module_path!().split_once("::").expect("in a crate").1);
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let command = command.args(["--exact", &maker, "--nocapture"]).env(MAKER, "1");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let made =
            std::iter::repeat_with(|| line(&mut output)).take(20).find_map(|line| Some(line.strip_prefix("made ")?.to_owned()));
        let made = made.expect("it says what it made");
        let (name, orphan) = made.split_once(' ').expect("a name and a process");

        let own = cgroups.create("own", &LIMITS).expect("it can be made");
        cgroups.sweep();
        assert!(is_left(&cgroups, name) && is_left(&cgroups, own.name()), "their makers are there");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        // Not by its result: another process's test may have swept before.
        cgroups.sweep();
        assert!(!is_left(&cgroups, name));
        assert!(is_left(&cgroups, own.name()));
        // A zombie, if nobody reaps orphans here.
        let stat = || std::fs::read_to_string(format!("/proc/{orphan}/stat")).unwrap_or_default();
        eventually("its process has ended", || stat().is_empty() || stat().contains(") Z "));
        // Nothing may hold on to the output of a test.
        drop(output);
    }
}
