//! jail-003: the parts of the kernel that have had the most holes, one call each.

use crate::{
    Test,
    probe::{Attempt, Expect, Probes, check},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] = &[("jail_003_no_call_leads_to_the_inner_parts", no_call_leads_to_the_inner_parts)];

pub(crate) const PROBES: Probes = &[
    ("keyctl", Attempt::Call(|_| call(libc::SYS_keyctl, [0, SESSION_KEYRING, 1, 0, 0, 0]))),
    ("add_key", Attempt::Call(|_| add_key())),
    ("request_key", Attempt::Call(|_| call(libc::SYS_request_key, [text(c"user"), text(c"ambit-none"), 0, 0, 0, 0]))),
    // An array of one number.
    ("bpf", Attempt::Call(|_| call(libc::SYS_bpf, [0, ptr(&mut [2_u32, 4, 4, 1, 0, 0, 0, 0]), 32, 0, 0, 0]))),
    ("perf_event_open", Attempt::Call(|_| perf())),
    ("userfaultfd", Attempt::Call(|_| call(libc::SYS_userfaultfd, [1, 0, 0, 0, 0, 0]))),
    ("io_uring_setup", Attempt::Call(|_| call(libc::SYS_io_uring_setup, [1, ptr(&mut [0_u64; 15]), 0, 0, 0, 0]))),
    ("io_setup", Attempt::Call(|_| call(libc::SYS_io_setup, [1, ptr(&mut 0_u64), 0, 0, 0, 0]))),
    ("kexec_load", Attempt::Call(|_| call(libc::SYS_kexec_load, [0, 0, 0, u64::MAX, 0, 0]))),
    ("kexec_file_load", Attempt::Call(|_| call(libc::SYS_kexec_file_load, [u64::MAX, u64::MAX, 0, 0, u64::MAX, 0]))),
    ("init_module", Attempt::Call(|_| call(libc::SYS_init_module, [0; 6]))),
    ("finit_module", Attempt::Call(|_| call(libc::SYS_finit_module, [u64::MAX, 0, 0, 0, 0, 0]))),
    ("delete_module", Attempt::Call(|_| call(libc::SYS_delete_module, [0; 6]))),
    ("syslog", Attempt::Call(|_| call(libc::SYS_syslog, [10, 0, 0, 0, 0, 0]))),
    ("memfd_secret", Attempt::Call(|_| call(libc::SYS_memfd_secret, [0; 6]))),
    ("fanotify_init", Attempt::Call(|_| call(libc::SYS_fanotify_init, [0x200, 0, 0, 0, 0, 0]))),
    #[cfg(target_arch = "x86_64")]
    ("modify_ldt", Attempt::Call(|_| call(libc::SYS_modify_ldt, [0, ptr(&mut [0_u64; 2]), 16, 0, 0, 0]))),
];

const SESSION_KEYRING: u64 = -3_i64 as u64;
const PROCESS_KEYRING: u64 = -2_i64 as u64;

fn text(text: &std::ffi::CStr) -> u64 {
    text.as_ptr() as u64
}

fn add_key() -> i64 {
    call(libc::SYS_add_key, [text(c"user"), text(c"ambit-probe"), text(c"x"), 1, PROCESS_KEYRING, 0])
}

/// A clock of this process alone, with user time alone.
fn perf() -> i64 {
    const SOFTWARE: u64 = 1;
    const BYTES: u64 = 64;
    const USER_ALONE: u64 = 1 << 5 | 1 << 6;
    let mut attributes = [SOFTWARE | BYTES << 32, 0, 0, 0, 0, USER_ALONE, 0, 0];
    call(libc::SYS_perf_event_open, [ptr(&mut attributes), 0, u64::MAX, u64::MAX, 0, 0])
}

fn no_call_leads_to_the_inner_parts() {
    for (name, _) in PROBES {
        let outside = match *name {
            "request_key" => Expect::Fails(&[libc::ENOKEY]),
            "kexec_load" | "kexec_file_load" | "init_module" | "finit_module" | "delete_module" => {
                Expect::Fails(&[libc::EINVAL, libc::EPERM, libc::EBADF, libc::EFAULT, libc::ENOEXEC])
            }
            "bpf" | "perf_event_open" | "syslog" | "fanotify_init" => Expect::WentAsRoot,
            _ => Expect::Went,
        };
        check(name, "", Expect::Sigsys, Expect::Untried, outside);
    }
}
