//! jail-014: what a worker may say to its parent, and not say.

use std::{fs, time::Duration};

use ambit_jail::wire::WireError;

use crate::{
    Test,
    inside::Answer,
    jail::{Inmate, Jail},
    probe::{Attempt, Probes},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_014_what_is_no_message_is_refused", what_is_no_message_is_refused),
    ("jail_014_no_descriptor_comes_up", no_descriptor_comes_up),
    ("jail_014_who_does_not_read_is_not_waited_for", who_does_not_read_is_not_waited_for),
];

pub(crate) const PROBES: Probes = &[
    ("four gigabytes", Attempt::Call(|_| say(b"A\x01\0\0\xff\xff\xff\xff"))),
    ("noise", Attempt::Call(|_| say(&[0xff; 64]))),
    ("no message", Attempt::Call(|_| say(b"A\x01\0\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"))),
    // An answer with a text of some exabytes.
    ("a text that is not there", Attempt::Call(|_| say(b"A\x01\0\0\x0a\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\x0f"))),
    ("more than a message", Attempt::Call(|_| say(b"A\x01\0\0\x06\0\0\0\x02\x01xyyy"))),
    ("half a frame", Attempt::Call(|_| say(b"A\x01\0\0\x06\0\0\0\x02"))),
    ("silence", Attempt::Call(|_| call(libc::SYS_close, [CONTROL, 0, 0, 0, 0, 0]))),
    ("descriptors beside", Attempt::Call(|_| send_fds(b"A\x01\0\0\x03\0\0\0\x02\x01x"))),
    ("announced descriptors", Attempt::Call(|_| send_fds(b"A\x01\x03\0\x03\0\0\0\x02\x01x"))),
];

const CONTROL: u64 = 3;

/// Says it, and nothing more for good.
fn say(bytes: &[u8]) -> i64 {
    let mut bytes = bytes.to_vec();
    call(libc::SYS_write, [CONTROL, bytes.as_mut_ptr() as u64, bytes.len() as u64, 0, 0, 0]);
    stay()
}

fn stay() -> i64 {
    call(libc::SYS_ppoll, [0; 6])
}

/// Sends a frame with three descriptors beside it.
fn send_fds(bytes: &[u8]) -> i64 {
    let mut bytes = bytes.to_vec();
    let mut data = [bytes.as_mut_ptr() as u64, bytes.len() as u64];
    // Its length, then SOL_SOCKET and SCM_RIGHTS, then the descriptors.
    let mut control = [28_u64, 1 | 1 << 32, 0, 1];
    let mut message = [0, 0, ptr(&mut data), 1, ptr(&mut control), 32, 0];
    call(libc::SYS_sendmsg, [CONTROL, ptr(&mut message), 0, 0, 0, 0]);
    stay()
}

fn inside(probe: &str) -> Inmate {
    let mut inmate = Jail::new().start(probe, "", &[], None).expect("a process");
    inmate.entered();
    inmate
}

fn what_is_no_message_is_refused() {
    let check = |probe: &str, expect: fn(&WireError) -> bool| match inside(probe).channel.receive::<Answer>() {
        Ok((answer, _)) => panic!("{probe}: {answer:?}"),
        Err(error) => assert!(expect(&error), "{probe}: {error:?}"),
    };
    check("four gigabytes", |error| matches!(error, WireError::TooLong { length: u32::MAX, .. }));
    check("noise", |error| matches!(error, WireError::NoFrame));
    check("no message", |error| matches!(error, WireError::NoMessage(_)));
    check("a text that is not there", |error| matches!(error, WireError::NoMessage(_)));
    check("more than a message", |error| matches!(error, WireError::NoFrame));
    check("silence", |error| matches!(error, WireError::Closed));
    check("announced descriptors", |error| matches!(error, WireError::Descriptors));
    let mut inmate = inside("half a frame");
    std::thread::sleep(Duration::from_millis(50));
    assert!(inmate.channel.try_receive::<Answer>().expect("nothing is wrong yet").is_none());
}

fn no_descriptor_comes_up() {
    let mut inmate = inside("descriptors beside");
    let (answer, fds) = inmate.channel.receive::<Answer>().expect("a message");
    assert!(matches!(&answer, Answer::Came(text) if text == "x") && fds.is_empty(), "{answer:?} {fds:?}");
    // What came beside it was closed, and not left open without an owner: none of them was `/dev/null`, as its first two are.
    let ours = fs::read_dir("/proc/self/fd").expect("/proc").filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    let sockets = ours.filter(|link| link.to_string_lossy().starts_with("pipe:")).count();
    assert!(sockets < 64, "{sockets} pipes are open");
}

fn who_does_not_read_is_not_waited_for() {
    let inmate = inside("hog");
    let message = vec![0_u8; 1 << 20];
    let sent = (0..8).map(|_| inmate.channel.send(&message, &[], Duration::from_millis(200))).find_map(Result::err);
    assert!(matches!(sent, Some(WireError::Stuck(_))), "{sent:?}");
}
