//! jail-017: where a layer cannot be had, there is no jail, unless somebody goes without.

use std::{fs, os::unix::process::parent_id};

use ambit_core::Layer;
use ambit_jail::Purpose;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::{
    Test,
    jail::{Jail, Stage},
    outside,
    probe::{Attempt, Came, Given, Probes},
    raw::call,
    skip::is_root,
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_017_no_namespaces_no_jail", no_namespaces_no_jail),
    ("jail_017_root_without_a_user_namespace", root_without_a_user_namespace),
    ("jail_017_no_landlock_no_jail", no_landlock_no_jail),
    ("jail_017_no_seccomp_no_jail", no_seccomp_no_jail),
    ("jail_017_an_older_kernel_cannot_seal", an_older_kernel_cannot_seal),
];

pub(crate) const PROBES: Probes = &[
    ("without namespaces", Attempt::Look(without_namespaces)),
    ("without a user namespace", Attempt::Look(without_user_namespace)),
    ("without Landlock", Attempt::Look(|given| without(given, &[444], Layer::Landlock))),
    ("without seccomp", Attempt::Look(|given| without(given, &[libc::SYS_seccomp], Layer::Seccomp))),
    ("without mseal", Attempt::Look(without_mseal)),
];

const SPACES: [Layer; 6] = [
    Layer::UserNamespace,
    Layer::MountNamespace,
    Layer::PidNamespace,
    Layer::NetNamespace,
    Layer::IpcNamespace,
    Layer::UtsNamespace,
];

/// A parent that can make no namespace; its child reads a file of the machine.
fn without_namespaces(given: &Given) -> String {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    assert_eq!(call(libc::SYS_unshare, [libc::CLONE_NEWUSER as u64, 0, 0, 0, 0, 0]), 0, "a user namespace");
    // In which it is no root, whoever it was.
    let (user_inside, group_inside) = (user.max(1), group.max(1));
    fs::write("/proc/self/setgroups", "deny").expect("written");
    fs::write("/proc/self/uid_map", format!("{user_inside} {user} 1")).expect("written");
    fs::write("/proc/self/gid_map", format!("{group_inside} {group} 1")).expect("written");
    fs::write("/proc/sys/user/max_user_namespaces", "0").expect("of this namespace");
    let dispensable = if given.with == "dispensable" { SPACES.to_vec() } else { Vec::new() };
    // With a list that lets it open.
    let jail = Jail { dispensable, purpose: Purpose::Tenant, ..Jail::new() };
    said(&jail, "open", "/proc/self/status")
}

/// A parent that may make every namespace but one for users: the kernel makes none for whoever is in a `chroot`.
fn without_user_namespace(given: &Given) -> String {
    let mounts = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).expect("/proc");
    assert_ne!(mounts("self"), mounts(&parent_id().to_string()), "what is mounted here stays here");
    let dir = tempfile::tempdir().expect("a directory");
    rustix::mount::mount_bind_recursive("/", dir.path()).expect("a bind mount");
    rustix::process::chroot(dir.path()).expect("entered");
    rustix::process::chdir("/").expect("entered");
    let dispensable = if given.with == "dispensable" { vec![Layer::UserNamespace] } else { Vec::new() };
    let jail = Jail { dispensable, ..Jail::new() };
    let said = [said(&jail, "setuid", ""), said(&jail.at(Stage::Below), "what it is", "")].join("; ");
    // It goes with this process's mounts; the directory itself is removed by the test.
    std::mem::forget(dir);
    said
}

/// What came of a probe in a jail, and which layers there were.
fn said(jail: &Jail, probe: &str, with: &str) -> String {
    match jail.start(probe, with, &[], None) {
        Ok(mut inmate) => {
            let came = inmate.came();
            format!("{came:?} with {:?}", inmate.layers)
        }
        Err(error) => format!("{:?}", Came::NotEntered(error)),
    }
}

/// Lets calls fail in this process and its children, as if the kernel did not have them.
pub(crate) fn lacks(calls: &[i64]) {
    let calls = calls.iter().map(|call| (*call, Vec::new())).collect();
    let none = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into().expect("an architecture");
    let filter: BpfProgram =
        SeccompFilter::new(calls, SeccompAction::Allow, none, arch).and_then(TryInto::try_into).expect("a filter");
    seccompiler::apply_filter_all_threads(&filter).expect("a filter");
}

fn without(given: &Given, calls: &[i64], layer: Layer) -> String {
    lacks(calls);
    let dispensable = if given.with == "dispensable" { vec![layer] } else { Vec::new() };
    said(&Jail { dispensable, ..Jail::new() }, "setuid", "")
}

fn without_mseal(given: &Given) -> String {
    lacks(&[462]);
    said(&Jail { rlimits: ambit_jail::Rlimits { data: Some(48 << 20), ..Default::default() }, ..Jail::new() }, &given.with, "")
}

fn of(probe: &str, with: &str) -> String {
    match outside::outside(probe, with) {
        Came::Said(said) => said,
        other => panic!("{probe}: {other:?}"),
    }
}

fn no_namespaces_no_jail() {
    let refused = of("without namespaces", "");
    assert!(refused.starts_with("NotEntered") && refused.contains("UserNamespace"), "{refused}");
    // Whoever goes without has Landlock between a guest and the machine, and is told so.
    let went = of("without namespaces", "dispensable");
    assert!(went.starts_with(&format!("{:?} with", Came::said(-libc::EACCES))), "{went}");
    assert!(went.contains("Landlock") && went.contains("Seccomp") && !went.contains("Namespace"), "{went}");
}

fn root_without_a_user_namespace() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let of = |with: &str| {
        let output = outside::command("without a user namespace", with).env("TMPDIR", dir.path()).output().expect("started");
        match outside::came(&output) {
            Came::Said(said) => said,
            other => panic!("{other:?}"),
        }
    };
    let refused = of("");
    assert!(refused.starts_with("NotEntered") && refused.contains("UserNamespace"), "{refused}");
    let went = of("dispensable");
    assert!(went.starts_with(&format!("{:?} with", Came::Killed(libc::SIGSYS))), "{went}");
    assert!(went.contains("MountNamespace") && !went.contains("UserNamespace"), "{went}");
    for is in ["secure bits 0xef", "bounding 0, ambient 0, capabilities false, groups 0"] {
        assert!(went.contains(is), "{is}: {went}");
    }
}

fn no_landlock_no_jail() {
    let refused = of("without Landlock", "");
    assert!(refused.starts_with("NotEntered") && refused.contains("Landlock"), "{refused}");
    let went = of("without Landlock", "dispensable");
    assert!(went.starts_with(&format!("{:?} with", Came::Killed(libc::SIGSYS))), "{went}");
    assert!(went.contains("MountNamespace") && !went.contains("Landlock"), "{went}");
}

fn no_seccomp_no_jail() {
    let refused = of("without seccomp", "");
    assert!(refused.starts_with("NotEntered") && refused.contains("Seccomp"), "{refused}");
}

/// Where the stack cannot be sealed it can still not be moved, and the allocator copies.
fn an_older_kernel_cannot_seal() {
    let moved = of("without mseal", "the stack, moved");
    assert!(moved.starts_with(&format!("{:?}", Came::said(-libc::ENOMEM))), "{moved}");
    let grown = of("without mseal", "a block that grows");
    assert!(grown.starts_with(&format!("{:?}", Came::said("grown"))), "{grown}");
    assert_eq!(Jail::new().at(Stage::Running).attempt("a block that grows", ""), Came::said("grown"));
}
