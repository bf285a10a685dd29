//! jail-005: sockets of every kind that speaks to the kernel or past it.

use std::net::TcpListener;

use crate::{
    Test,
    probe::{Attempt, Expect, Given, Probes, check},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] =
    &[("jail_005_no_socket_is_made", no_socket_is_made), ("jail_005_there_is_no_network", there_is_no_network)];

pub(crate) const PROBES: Probes = &[
    ("raw", Attempt::Call(|_| socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP))),
    ("packet", Attempt::Call(|_| socket(libc::AF_PACKET, libc::SOCK_RAW, 0))),
    ("netlink", Attempt::Call(|_| socket(libc::AF_NETLINK, libc::SOCK_RAW, 0))),
    ("vsock", Attempt::Call(|_| socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0))),
    ("alg", Attempt::Call(|_| socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0))),
    ("unix", Attempt::Call(|_| socket(libc::AF_UNIX, libc::SOCK_STREAM, 0))),
    ("inet", Attempt::Call(|_| socket(libc::AF_INET, libc::SOCK_STREAM, 0))),
    ("inet6", Attempt::Call(|_| socket(libc::AF_INET6, libc::SOCK_DGRAM, 0))),
    ("connect", Attempt::Call(connect)),
    ("bind", Attempt::Call(|_| to(libc::SYS_bind, 0))),
    ("socketpair", Attempt::Call(|_| call(libc::SYS_socketpair, [1, 1, 0, ptr(&mut [0_i32; 2]), 0, 0]))),
];

fn socket(family: i32, kind: i32, protocol: i32) -> i64 {
    call(libc::SYS_socket, [family as u64, kind as u64, protocol as u64, 0, 0, 0])
}

fn connect(given: &Given) -> i64 {
    to(libc::SYS_connect, u16::try_from(given.number()).expect("a port"))
}

/// Connects to or binds a port of this machine.
fn to(number: i64, port: u16) -> i64 {
    let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0);
    if socket < 0 {
        return socket;
    }
    let [high, low] = port.to_be_bytes();
    let mut address = [2_u8, 0, high, low, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    call(number, [socket.cast_unsigned(), ptr(&mut address), 16, 0, 0, 0])
}

fn no_socket_is_made() {
    let forbidden = Expect::Fails(&[libc::EPERM, libc::EAFNOSUPPORT]);
    for (name, below, outside) in [
        ("raw", forbidden, Expect::WentAsRoot),
        ("packet", forbidden, Expect::WentAsRoot),
        ("netlink", Expect::Untried, Expect::Went),
        // What hypervisors and hosts listen to knows of no network namespace: only the list is in the way.
        ("vsock", Expect::Untried, Expect::Answered),
        ("alg", Expect::Untried, Expect::Answered),
        ("unix", Expect::Untried, Expect::Went),
        ("inet", Expect::Untried, Expect::Went),
        ("inet6", Expect::Untried, Expect::Answered),
        ("socketpair", Expect::Untried, Expect::Went),
    ] {
        check(name, "", Expect::Sigsys, below, outside);
    }
}

fn there_is_no_network() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let nowhere = Expect::Fails(&[libc::ENETUNREACH, libc::ECONNREFUSED, libc::EACCES]);
    check("connect", &port, Expect::Sigsys, nowhere, Expect::Went);
    // Below, Landlock denies it from its version 4 on; nobody is in that network to hear of it.
    check("bind", "", Expect::Sigsys, Expect::Answered, Expect::Went);
}
