//! Sockets: there are none, so that every call fails and is recorded.

use super::{Errno, GuestMemory, Host, Now};

fn denied(host: &Host, fd: i32, call: &str) -> Now {
    host.meter.violate("net", || format!("{call} on descriptor {fd}; sockets are not part of this version"));
    host.descriptors.get(fd)?;
    Err(Errno::Notsock.into())
}

/// `sock_accept`: fails.
///
/// # Errors
/// Always.
pub fn sock_accept(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, _flags: i32, _out: i32) -> Now {
    denied(host, fd, "sock_accept")
}

/// `sock_recv`: fails.
///
/// # Errors
/// Always.
#[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
pub fn sock_recv(
    host: &mut Host,
    _memory: &mut GuestMemory<'_>,
    fd: i32,
    _data: i32,
    _len: i32,
    _flags: i32,
    _out: i32,
    _: i32,
) -> Now {
    denied(host, fd, "sock_recv")
}

/// `sock_send`: fails.
///
/// # Errors
/// Always.
pub fn sock_send(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, _data: i32, _len: i32, _flags: i32, _out: i32) -> Now {
    denied(host, fd, "sock_send")
}

/// `sock_shutdown`: fails.
///
/// # Errors
/// Always.
pub fn sock_shutdown(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, _how: i32) -> Now {
    denied(host, fd, "sock_shutdown")
}
