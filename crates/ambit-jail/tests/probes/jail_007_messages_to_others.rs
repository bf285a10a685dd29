//! jail-007: abstract sockets, and signals to processes outside.

use std::{
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    process::id,
};

use crate::{
    Test,
    probe::{Attempt, Expect, Given, Probes, check},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_007_abstract_sockets_are_not_reached", abstract_sockets_are_not_reached),
    ("jail_007_nobody_is_signalled", nobody_is_signalled),
];

pub(crate) const PROBES: Probes = &[
    ("abstract", Attempt::Call(connect)),
    ("kill", Attempt::Call(|given| call(libc::SYS_kill, [given.number(), 0, 0, 0, 0, 0]))),
    ("kill all", Attempt::Call(|_| call(libc::SYS_kill, [u64::MAX, 0, 0, 0, 0, 0]))),
    ("tgkill", Attempt::Call(|given| call(libc::SYS_tgkill, [given.number(), given.number(), 0, 0, 0, 0]))),
    ("tkill", Attempt::Call(|given| call(libc::SYS_tkill, [given.number(), 0, 0, 0, 0, 0]))),
    ("sigqueue", Attempt::Call(|given| call(libc::SYS_rt_sigqueueinfo, [given.number(), 0, ptr(&mut info()), 0, 0, 0]))),
];

/// A `siginfo` as `sigqueue` makes it.
fn info() -> [i32; 32] {
    let mut info = [0; 32];
    info[2] = libc::SI_QUEUE;
    info
}

fn connect(given: &Given) -> i64 {
    let socket = call(libc::SYS_socket, [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0, 0, 0, 0]);
    if socket < 0 {
        return socket;
    }
    let mut address = [0_u8; 110];
    address[0] = 1;
    address[3..3 + given.with.len()].copy_from_slice(given.with.as_bytes());
    call(libc::SYS_connect, [socket.cast_unsigned(), ptr(&mut address), 3 + given.with.len() as u64, 0, 0, 0])
}

fn abstract_sockets_are_not_reached() {
    let name = format!("ambit-probe-{}", id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("a socket");
    check("abstract", &name, Expect::Sigsys, Expect::Fails(&[libc::ECONNREFUSED, libc::EPERM]), Expect::Went);
    drop(listener);
}

fn nobody_is_signalled() {
    for name in ["kill", "tgkill", "tkill", "sigqueue"] {
        check(name, &id().to_string(), Expect::Sigsys, Expect::Fails(&[libc::ESRCH, libc::EPERM]), Expect::Went);
    }
    // Outside there is always somebody whom it may signal: this test.
    check("kill all", "", Expect::Sigsys, Expect::Fails(&[libc::ESRCH, libc::EPERM]), Expect::Went);
}
