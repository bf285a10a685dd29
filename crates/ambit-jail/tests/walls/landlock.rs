//! Landlock denies what was not granted, and nothing of what was.

use std::{
    env, fs,
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    os::{
        fd::AsFd as _,
        linux::net::SocketAddrExt as _,
        unix::{
            fs::symlink,
            net::{SocketAddr, UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    process::{Command, id},
};

use ambit_core::Access;
use ambit_jail::{landlock_abi, restrict_files};
use rustix::{
    fs::{CWD, FileType, Mode},
    process::{Pid, getppid, test_kill_process},
};

use crate::{
    Test,
    attempt::{Attempt, Attempts, End, WITH, Wall, attempt_with, skip},
};

pub(crate) const TESTS: &[Test] =
    &[("files_are_what_was_granted", files_are_what_was_granted), ("others_are_not_reached", others_are_not_reached)];

pub(crate) const ATTEMPTS: Attempts =
    &[("restricted", Attempt::Whole(|_| tried(true))), ("unrestricted", Attempt::Whole(|_| tried(false)))];

/// Something to try, in a directory with `ro`, `rw` and `outside`, each with a file and a program in it.
type Try = fn(&Path, &Target) -> io::Result<()>;

/// What is listened on outside.
struct Target {
    port: u16,
    name: String,
}

const DENIED: io::ErrorKind = io::ErrorKind::PermissionDenied;

/// What is tried with files, and whether it goes.
const FILES: &[(&str, bool, Try)] = &[
    ("read", true, |dir, _| fs::read(dir.join("ro/file")).map(drop)),
    ("list", true, |dir, _| fs::read_dir(dir.join("ro")).map(drop)),
    ("write in a read-only one", false, |dir, _| fs::write(dir.join("ro/file"), "x")),
    ("make in a read-only one", false, |dir, _| fs::write(dir.join("ro/new"), "x")),
    ("remove in a read-only one", false, |dir, _| fs::remove_file(dir.join("ro/spare"))),
    ("truncate in a read-only one", false, |dir, _| truncate(&dir.join("ro/file"))),
    ("make a directory in a read-only one", false, |dir, _| fs::create_dir(dir.join("ro/dir"))),
    ("write", true, |dir, _| fs::write(dir.join("rw/file"), "x")),
    ("make", true, |dir, _| fs::write(dir.join("rw/new"), "x")),
    ("truncate", true, |dir, _| truncate(&dir.join("rw/file"))),
    ("make a directory", true, |dir, _| fs::create_dir(dir.join("rw/dir"))),
    ("make a link", true, |dir, _| symlink("file", dir.join("rw/link"))),
    ("rename", true, |dir, _| fs::rename(dir.join("rw/new"), dir.join("rw/dir/new"))),
    ("remove", true, |dir, _| fs::remove_file(dir.join("rw/dir/new"))),
    ("remove a directory", true, |dir, _| fs::remove_dir(dir.join("rw/dir"))),
    ("make a FIFO", false, |dir, _| Ok(rustix::fs::mknodat(CWD, dir.join("rw/fifo"), FileType::Fifo, Mode::RWXU, 0)?)),
    ("make a socket", false, |dir, _| UnixListener::bind(dir.join("rw/socket")).map(drop)),
    ("execute", false, |dir, _| Command::new(dir.join("rw/program")).status().map(drop)),
    ("read outside", false, |dir, _| fs::read(dir.join("outside/file")).map(drop)),
    ("list outside", false, |dir, _| fs::read_dir(dir.join("outside")).map(drop)),
    ("write outside", false, |dir, _| fs::write(dir.join("outside/file"), "x")),
    ("read by a link that leads out", false, |dir, _| fs::read(dir.join("rw/out")).map(drop)),
    ("move out", false, |dir, _| fs::rename(dir.join("rw/file"), dir.join("outside/moved"))),
    ("read the machine's", false, |_, _| fs::read("/proc/self/status").map(drop)),
];

/// What is tried with others, since which version it is denied.
const OTHERS: &[(&str, u32, Try)] = &[
    ("connect", 4, |_, target| TcpStream::connect(("127.0.0.1", target.port)).map(drop)),
    ("bind", 4, |_, _| TcpListener::bind(("127.0.0.1", 0)).map(drop)),
    ("abstract socket", 6, |_, target| UnixStream::connect_addr(&SocketAddr::from_abstract_name(&target.name)?).map(drop)),
    ("signal", 6, |_, _| Ok(test_kill_process(getppid().unwrap_or(Pid::INIT))?)),
];

fn truncate(path: &Path) -> io::Result<()> {
    fs::File::create(path).map(drop)
}

/// Tries all of it in turn and says how each went.
fn tried(restricted: bool) -> String {
    let with = env::var(WITH).expect("what to work on");
    let [dir, port, name] = with.split(';').collect::<Vec<_>>()[..] else { panic!("three words") };
    let (dir, target) = (PathBuf::from(dir), Target { port: port.parse().expect("a port"), name: name.to_owned() });
    if restricted {
        let open = |name: &str| fs::File::open(dir.join(name)).expect("a granted directory");
        let (ro, rw) = (open("ro"), open("rw"));
        let status = restrict_files(&[(ro.as_fd(), Access::ReadOnly), (rw.as_fd(), Access::ReadWrite)]).expect("restricted");
        assert_eq!(Some(status.abi), landlock_abi());
        assert_eq!((status.tcp, status.scopes), (status.abi >= 4, status.abi >= 6));
    }
    let tries =
        FILES.iter().map(|(name, _, attempt)| (name, attempt)).chain(OTHERS.iter().map(|(name, _, attempt)| (name, attempt)));
    let mut out = String::new();
    for (name, attempt) in tries {
        let went = match attempt(&dir, &target) {
            Ok(()) => "went".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        };
        out += &format!("{name}: {went}\n");
    }
    out
}

/// What came of `name` in both, restricted and not, with a directory to do it in.
fn both() -> [String; 2] {
    ["unrestricted", "restricted"].map(|name| {
        let dir = tempfile::tempdir().expect("a directory");
        for sub in ["ro", "rw", "outside"] {
            let sub = dir.path().join(sub);
            fs::create_dir(&sub).expect("a directory");
            for file in ["file", "spare"] {
                fs::File::create(sub.join(file)).and_then(|mut file| file.write_all(b"text")).expect("a file");
            }
            fs::copy("/bin/true", sub.join("program")).expect("a program");
        }
        symlink(dir.path().join("outside/file"), dir.path().join("rw/out")).expect("a link");
        let tcp = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let abstract_name = format!("ambit-walls-{}-{name}", id());
        let address = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
        let _unix = UnixListener::bind_addr(&address).expect("an abstract socket");
        let port = tcp.local_addr().expect("an address").port();
        let with = format!("{};{port};{abstract_name}", dir.path().display());
        match attempt_with(name, &Wall::none(), &with) {
            End::Went(result) => result,
            End::Killed(signal) => panic!("{name}: signal {signal}"),
        }
    })
}

fn files_are_what_was_granted() {
    if landlock_abi().is_none_or(|abi| abi < 3) {
        return skip("files_are_what_was_granted", "this kernel's Landlock is older than version 3");
    }
    let [alone, restricted] = both();
    for (name, goes, _) in FILES {
        let went = format!("{name}: went\n");
        assert!(alone.contains(&went), "{name} without Landlock:\n{alone}");
        let expect = if *goes { went } else { format!("{name}: {DENIED:?}\n") };
        assert!(restricted.contains(&expect), "{name}:\n{restricted}");
    }
}

fn others_are_not_reached() {
    let [alone, restricted] = both();
    for (name, since, _) in OTHERS {
        assert!(alone.contains(&format!("{name}: went\n")), "{name} without Landlock:\n{alone}");
        if landlock_abi().is_none_or(|abi| abi < *since) {
            skip("others_are_not_reached", &format!("this kernel's Landlock is older than version {since}"));
            continue;
        }
        assert!(restricted.contains(&format!("{name}: {DENIED:?}\n")), "{name}:\n{restricted}");
    }
}
