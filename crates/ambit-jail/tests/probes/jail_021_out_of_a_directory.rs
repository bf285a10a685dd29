//! jail-021: from a directory that was granted to what was not.

use std::{
    ffi::CString,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use ambit_core::Access;
use libc::{
    AT_FDCWD, EACCES, ENOENT, EPERM, EROFS, EXDEV, MNT_DETACH, MS_BIND, MS_REMOUNT, O_CLOEXEC, O_CREAT, O_NONBLOCK, O_PATH,
    O_RDONLY, O_RDWR, O_WRONLY, S_IFCHR, S_IFIFO,
};
use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

use crate::{
    Test,
    jail::{Jail, Stage},
    outside,
    probe::{Attempt, Came, Expect, Given, Probes, expect},
    raw::{call, ptr},
    skip::skip,
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_021_no_path_leads_out", no_path_leads_out),
    ("jail_021_nothing_is_moved_out_or_in", nothing_is_moved_out_or_in),
    ("jail_021_read_only_is_read_only", read_only_is_read_only),
    ("jail_021_no_device_and_no_program", no_device_and_no_program),
    ("jail_021_mounts_stay_as_they_are", mounts_stay_as_they_are),
    ("jail_021_a_directory_that_moves_is_no_way_out", a_directory_that_moves_is_no_way_out),
];

/// Each is given a directory that is read-only to it, one that is not, the path of a secret that lies beside both, and its
/// parent's number.
pub(crate) const PROBES: Probes = &[
    ("up", Attempt::Call(|given| open(&given.rw("../secret"), O_RDONLY))),
    ("up and down", Attempt::Call(|given| open(&given.rw("sub/../../secret"), O_RDONLY))),
    ("up from its descriptor", Attempt::Call(|given| open_at(open(&given.rw(""), O_PATH), "../secret", O_RDONLY))),
    ("by its path", Attempt::Call(|given| open(given.secret(), O_RDONLY))),
    ("by an absolute link", Attempt::Call(|given| open(&given.rw("absolute"), O_RDONLY))),
    ("by a relative link", Attempt::Call(|given| open(&given.ro("relative"), O_RDONLY))),
    ("by a link of its own", Attempt::Call(link_of_its_own)),
    ("through /proc/self/root", Attempt::Call(|given| open(&format!("/proc/self/root{}", given.secret()), O_RDONLY))),
    (
        "through its parent's root",
        Attempt::Call(|given| open(&format!("/proc/{}/root{}", given.word(3), given.secret()), O_RDONLY)),
    ),
    ("through its descriptor", Attempt::Call(through_its_descriptor)),
    ("rename out", Attempt::Call(|given| rename(&given.rw("file"), &given.rw("../moved")))),
    ("rename in", Attempt::Call(|given| rename(given.secret(), &given.rw("moved")))),
    ("rename across", Attempt::Call(|given| rename(&given.ro("file"), &given.rw("moved")))),
    ("link out", Attempt::Call(|given| link(&given.rw("file"), &given.rw("../linked")))),
    ("link in", Attempt::Call(|given| link(given.secret(), &given.rw("linked")))),
    ("link across", Attempt::Call(|given| link(&given.ro("file"), &given.rw("linked")))),
    ("write what is read-only", Attempt::Call(|given| open(&given.ro("file"), O_WRONLY))),
    ("make in what is read-only", Attempt::Call(|given| open(&given.ro("new"), O_WRONLY | O_CREAT))),
    ("remove what is read-only", Attempt::Call(|given| call(libc::SYS_unlinkat, [cwd(), path(&given.ro("spare")), 0, 0, 0, 0]))),
    ("touch what is read-only", Attempt::Call(|given| call(libc::SYS_utimensat, [cwd(), path(&given.ro("file")), 0, 0, 0, 0]))),
    ("speak into a read-only FIFO", Attempt::Call(|given| open(&given.ro("fifo"), O_RDWR | O_NONBLOCK))),
    ("open a device", Attempt::Call(|given| open(&given.rw("device"), O_RDONLY))),
    ("make a device", Attempt::Call(|given| make(&given.rw("device-of-its-own"), S_IFCHR))),
    ("make a FIFO", Attempt::Call(|given| make(&given.rw("fifo-of-its-own"), S_IFIFO))),
    ("run a program", Attempt::Call(|given| run(&given.rw("program")))),
    ("run a setuid program", Attempt::Call(|given| run(&given.rw("setuid")))),
    (
        "make a program setuid",
        Attempt::Call(|given| call(libc::SYS_fchmodat, [cwd(), path(&given.rw("program")), 0o4755, 0, 0, 0])),
    ),
    ("a setuid program of its own", Attempt::Call(setuid_of_its_own)),
    ("remount it writable", Attempt::Call(remount)),
    ("set its attributes", Attempt::Call(set_attributes)),
    ("unmount it", Attempt::Call(unmount)),
    ("up from a directory that moves", Attempt::Call(up_from_a_directory_that_moves)),
];

impl Given {
    fn word(&self, number: usize) -> &str {
        self.with.split(';').nth(number).expect("four words")
    }

    fn ro(&self, name: &str) -> String {
        format!("{}/{name}", self.word(0))
    }

    fn rw(&self, name: &str) -> String {
        format!("{}/{name}", self.word(1))
    }

    fn secret(&self) -> &str {
        self.word(2)
    }
}

fn cwd() -> u64 {
    AT_FDCWD.cast_unsigned().into()
}

/// A path for a call. It lives as long as the process, which makes one attempt.
fn path(text: &str) -> u64 {
    CString::new(text).expect("a path").into_raw() as u64
}

/// As the list has it for directories.
fn open(file: &str, flags: i32) -> i64 {
    open_at(AT_FDCWD.into(), file, flags)
}

fn open_at(dir: i64, file: &str, flags: i32) -> i64 {
    let mode = if flags & O_CREAT == 0 { 0 } else { 0o644 };
    open_with(dir, file, flags, mode)
}

fn open_with(dir: i64, file: &str, flags: i32, mode: u64) -> i64 {
    let mut how = [(flags | O_CLOEXEC) as u64, mode, 0];
    call(libc::SYS_openat2, [dir.cast_unsigned(), path(file), ptr(&mut how), size_of_val(&how) as u64, 0, 0])
}

fn rename(from: &str, to: &str) -> i64 {
    call(libc::SYS_renameat, [cwd(), path(from), cwd(), path(to), 0, 0])
}

fn link(from: &str, to: &str) -> i64 {
    call(libc::SYS_linkat, [cwd(), path(from), cwd(), path(to), 0, 0])
}

fn make(file: &str, kind: u32) -> i64 {
    let zero = rustix::fs::makedev(1, 5);
    call(libc::SYS_mknodat, [cwd(), path(file), u64::from(kind) | 0o666, zero, 0, 0])
}

/// It does not come back if it went.
fn run(file: &str) -> i64 {
    // By the name that it was copied under: where one program has many names it goes by that.
    let (mut arguments, mut environment) = ([path("true"), 0], [0_u64]);
    call(libc::SYS_execve, [path(file), ptr(&mut arguments), ptr(&mut environment), 0, 0, 0])
}

fn link_of_its_own(given: &Given) -> i64 {
    let link = given.rw("own");
    let made = call(libc::SYS_symlinkat, [path(given.secret()), cwd(), path(&link), 0, 0, 0]);
    assert_eq!(made, 0, "a link may lead anywhere");
    open(&link, O_RDONLY)
}

fn through_its_descriptor(given: &Given) -> i64 {
    let dir = open(&given.rw(""), O_PATH);
    open(&format!("/proc/self/fd/{dir}/../secret"), O_RDONLY)
}

/// Whether a file that has a word in it is setuid: what it is made with goes with the first word, but of who may keep it.
fn setuid_of_its_own(given: &Given) -> i64 {
    let file = open_with(AT_FDCWD.into(), &given.rw("own"), O_WRONLY | O_CREAT, 0o6755);
    let written = call(libc::SYS_write, [file.cast_unsigned(), path("word"), 4, 0, 0, 0]);
    assert_eq!(written, 4, "it is made and written");
    let mut stat = [0_u32; 64];
    assert_eq!(call(libc::SYS_fstat, [file.cast_unsigned(), ptr(&mut stat), 0, 0, 0, 0]), 0);
    // Where `struct stat` has the mode: after device, inode and number of links.
    if stat[6] & 0o6000 == 0 { -i64::from(EPERM) } else { 0 }
}

/// Outside nothing is mounted there yet, and what is mounted is this process's own.
fn mounted(given: &Given) {
    if !given.word(0).starts_with("/dir") {
        let dir = given.ro("");
        let _ = rustix::mount::mount_bind(&dir, &dir);
        let _ = rustix::mount::mount_remount(&dir, rustix::mount::MountFlags::BIND | rustix::mount::MountFlags::RDONLY, "");
    }
}

fn remount(given: &Given) -> i64 {
    mounted(given);
    let remounted = call(libc::SYS_mount, [0, path(&given.ro("")), 0, MS_REMOUNT | MS_BIND, 0, 0]);
    if remounted < 0 { remounted } else { open(&given.ro("file"), O_WRONLY) }
}

fn set_attributes(given: &Given) -> i64 {
    mounted(given);
    let mut attributes = [0, libc::MOUNT_ATTR_RDONLY, 0, 0];
    let size = size_of_val(&attributes) as u64;
    let set = call(libc::SYS_mount_setattr, [cwd(), path(&given.ro("")), 0, ptr(&mut attributes), size, 0]);
    if set < 0 { set } else { open(&given.ro("file"), O_WRONLY) }
}

fn unmount(given: &Given) -> i64 {
    mounted(given);
    call(libc::SYS_umount2, [path(&given.ro("")), MNT_DETACH as u64, 0, 0, 0, 0])
}

/// Tries it for a second, in which somebody outside moves the directory next to the secret.
fn up_from_a_directory_that_moves(given: &Given) -> i64 {
    let dir = open(&given.rw("sub"), O_PATH);
    let began = Instant::now();
    loop {
        let found = open_at(dir, "../secret", O_RDONLY);
        if found >= 0 || began.elapsed() > Duration::from_secs(1) {
            return found;
        }
    }
}

/// Two directories, with what there may be in them, and a secret beside them.
struct Fixture {
    dir: TempDir,
    has_device: bool,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let secret = dir.path().join("secret");
        fs::write(&secret, "secret").expect("written");
        for sub in ["ro", "rw"] {
            let sub = dir.path().join(sub);
            fs::create_dir_all(sub.join("sub")).expect("made");
            for file in ["file", "spare"] {
                fs::write(sub.join(file), "text").expect("written");
            }
            symlink(&secret, sub.join("absolute")).expect("linked");
            symlink("../secret", sub.join("relative")).expect("linked");
            rustix::fs::mknodat(CWD, sub.join("fifo"), FileType::Fifo, Mode::RWXU, 0).expect("made");
            for (name, mode) in [("program", 0o755), ("setuid", 0o4755)] {
                fs::copy("/bin/true", sub.join(name)).expect("copied");
                fs::set_permissions(sub.join(name), fs::Permissions::from_mode(mode)).expect("set");
            }
        }
        let zero = rustix::fs::makedev(1, 5);
        let device = rustix::fs::mknodat(CWD, dir.path().join("rw/device"), FileType::CharacterDevice, Mode::RWXU, zero);
        Self { dir, has_device: device.is_ok() }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().expect("a plain name").to_owned()
    }

    /// What a probe in the jail is told, and one outside.
    fn inside(&self) -> String {
        format!("/dir0;/dir1;{};{}", self.path("secret"), std::process::id())
    }

    fn outside(&self) -> String {
        format!("{};{};{};{}", self.path("ro"), self.path("rw"), self.path("secret"), std::process::id())
    }

    fn jail(&self, stage: Stage) -> Jail {
        let dirs = [("ro", Access::ReadOnly), ("rw", Access::ReadWrite)];
        let dirs = dirs.map(|(name, access)| (self.dir.path().join(name), access)).to_vec();
        Jail { dirs, ..Jail::new() }.at(stage)
    }

    /// What lies outside is as it was, and so is what is read-only.
    fn is_untouched(&self) -> bool {
        let holds = |name: &str, text: &str| fs::read(self.path(name)).is_ok_and(|bytes| bytes == text.as_bytes());
        let beside = fs::read_dir(self.dir.path()).expect("listed").count();
        holds("secret", "secret") && holds("ro/file", "text") && holds("ro/spare", "text") && beside == 3
    }
}

/// Makes an attempt in the jail, below the list, and outside, each with directories of its own.
fn check(name: &str, inside: Expect, below: Expect, out: Expect) {
    for (place, what, stage) in [("inside", inside, Stage::Running), ("below the list", below, Stage::Below)] {
        let fixture = Fixture::new();
        expect(name, place, what, || fixture.jail(stage).attempt(name, &fixture.inside()));
        assert!(fixture.is_untouched(), "{name} {place}");
    }
    expect(name, "outside", out, || outside::outside(name, &Fixture::new().outside()));
}

/// There is no such thing, or nothing that may be looked at.
const NOTHING: Expect = Expect::Fails(&[ENOENT, EACCES]);
const REFUSED: Expect = Expect::Fails(&[EROFS, EXDEV, EACCES, EPERM, ENOENT]);

fn no_path_leads_out() {
    let ways = [
        "up",
        "up and down",
        "up from its descriptor",
        "by its path",
        "by an absolute link",
        "by a relative link",
        "by a link of its own",
        "through /proc/self/root",
        "through its parent's root",
        "through its descriptor",
    ];
    for name in ways {
        check(name, NOTHING, NOTHING, Expect::Went);
    }
}

fn nothing_is_moved_out_or_in() {
    for name in ["rename out", "rename in", "rename across", "link out", "link in", "link across"] {
        check(name, REFUSED, REFUSED, Expect::Went);
    }
}

fn read_only_is_read_only() {
    for name in ["write what is read-only", "make in what is read-only", "remove what is read-only", "touch what is read-only"] {
        check(name, REFUSED, REFUSED, Expect::Went);
    }
    // A mount that is read-only does not keep from that, and Landlock does.
    check("speak into a read-only FIFO", Expect::Fails(&[EACCES]), Expect::Fails(&[EACCES]), Expect::Went);
}

fn no_device_and_no_program() {
    if Fixture::new().has_device {
        check("open a device", Expect::Fails(&[EACCES]), Expect::Fails(&[EACCES]), Expect::Went);
    } else {
        skip("jail_021_no_device_and_no_program", "only root makes a device");
    }
    check("make a device", Expect::Sigsys, Expect::Fails(&[EPERM, EACCES]), Expect::WentAsRoot);
    check("make a FIFO", Expect::Sigsys, Expect::Fails(&[EACCES]), Expect::Went);
    for name in ["run a program", "run a setuid program"] {
        check(name, Expect::Sigsys, Expect::Fails(&[EACCES]), Expect::Went);
    }
    // Below the list who owns a file changes its mode: of these two walls there is one.
    check("make a program setuid", Expect::Sigsys, Expect::Untried, Expect::Went);
    check("a setuid program of its own", Expect::Fails(&[EPERM]), Expect::Fails(&[EPERM]), Expect::WentAsRoot);
}

fn mounts_stay_as_they_are() {
    for name in ["remount it writable", "set its attributes", "unmount it"] {
        check(name, Expect::Sigsys, Expect::Fails(&[EPERM, EACCES]), Expect::WentAsRoot);
    }
}

/// Who moves a directory out of the granted one while it is open does not take the jail along.
fn a_directory_that_moves_is_no_way_out() {
    let moves = |fixture: &Fixture| fs::rename(fixture.path("rw/sub"), fixture.path("sub")).expect("moved");
    for stage in [Stage::Below, Stage::Running] {
        let fixture = Fixture::new();
        let jail = fixture.jail(stage);
        let mut inmate = jail.start("up from a directory that moves", &fixture.inside(), &[], None).expect("a process");
        thread::sleep(Duration::from_millis(400));
        moves(&fixture);
        let came = inmate.came();
        assert!(came == Came::said(-ENOENT) || came == Came::said(-EACCES), "{stage:?}: {came:?}");
    }
    let fixture = Fixture::new();
    let mut plain = outside::command("up from a directory that moves", &fixture.outside());
    let plain = plain.stdout(std::process::Stdio::piped()).spawn().expect("started");
    thread::sleep(Duration::from_millis(400));
    moves(&fixture);
    let came = outside::came(&plain.wait_with_output().expect("ended"));
    assert!(matches!(&came, Came::Said(said) if !said.starts_with('-')), "{came:?}");
    assert!(Path::new(&fixture.path("sub")).exists());
}
