//! jail-018: memory that is written and then executed.

use ambit_core::EngineId;
use ambit_jail::Purpose;
use libc::{MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::{
    Test,
    jail::{Jail, Stage},
    probe::{Attempt, Expect, Given, Probes, check, expect},
    raw::call,
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_018_no_code_is_made", no_code_is_made),
    ("jail_018_a_tenant_never_writes_code_it_executes", a_tenant_never_writes_code_it_executes),
];

pub(crate) const PROBES: Probes = &[
    ("map rwx", Attempt::Call(|_| map(PROT_READ | PROT_WRITE | PROT_EXEC).min(0))),
    ("map rx", Attempt::Call(|_| map(PROT_READ | PROT_EXEC).min(0))),
    ("map wx", Attempt::Call(|_| map(PROT_WRITE | PROT_EXEC).min(0))),
    ("write, then rx", Attempt::Call(|_| protect(PROT_READ | PROT_EXEC))),
    ("write, then rwx", Attempt::Call(|_| protect(PROT_READ | PROT_WRITE | PROT_EXEC))),
    ("write, then by key", Attempt::Call(|_| by_key())),
    ("own code rwx", Attempt::Call(|_| own_code(PROT_READ | PROT_WRITE | PROT_EXEC))),
    ("over own code", Attempt::Call(|_| over_own_code())),
    ("a file of code", Attempt::Call(|_| file_of_code())),
    ("another list", Attempt::Call(|_| call(libc::SYS_seccomp, [libc::SECCOMP_SET_MODE_FILTER.into(), 1, 0, 0, 0, 0]))),
    ("a block that grows", Attempt::Look(grow)),
];

const RW: i32 = PROT_READ | PROT_WRITE;

fn map(protection: i32) -> i64 {
    call(libc::SYS_mmap, [0, 4096, protection as u64, (MAP_PRIVATE | MAP_ANONYMOUS) as u64, u64::MAX, 0])
}

fn written() -> u64 {
    let page = map(RW).cast_unsigned();
    crate::touch::fill(page, 4096);
    page
}

fn protect(protection: i32) -> i64 {
    call(libc::SYS_mprotect, [written(), 4096, protection as u64, 0, 0, 0])
}

fn by_key() -> i64 {
    call(libc::SYS_pkey_mprotect, [written(), 4096, (PROT_READ | PROT_EXEC) as u64, u64::MAX, 0, 0])
}

/// A page of this program's code that nobody needs here.
fn code() -> u64 {
    (jail_018_victim as fn() -> u64 as usize as u64) & !4095
}

/// Something to be overwritten.
#[inline(never)]
fn jail_018_victim() -> u64 {
    std::hint::black_box(18)
}

fn own_code(protection: i32) -> i64 {
    call(libc::SYS_mprotect, [code(), 4096, protection as u64, 0, 0, 0])
}

/// New memory in the place of code, with the rights that code has.
fn over_own_code() -> i64 {
    let flags = (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) as u64;
    let place = map(RW).cast_unsigned();
    call(libc::SYS_mmap, [place, 4096, (PROT_READ | PROT_EXEC) as u64, flags, u64::MAX, 0]).min(0)
}

fn file_of_code() -> i64 {
    let file = call(libc::SYS_memfd_create, [c"code".as_ptr() as u64, 0, 0, 0, 0, 0]);
    call(libc::SYS_ftruncate, [file.cast_unsigned(), 4096, 0, 0, 0, 0]);
    call(libc::SYS_mmap, [0, 4096, (PROT_READ | PROT_EXEC) as u64, MAP_PRIVATE as u64, file.cast_unsigned(), 0]).min(0)
}

/// A large block of the allocator's, which is enlarged where it is, elsewhere, or by copying.
fn grow(_: &Given) -> String {
    let mut block = vec![7_u8; 1 << 20];
    for size in [2 << 20, 4 << 20, 8 << 20] {
        block.resize(size, 7);
    }
    if block.iter().all(|byte| *byte == 7) { "grown".into() } else { "lost".into() }
}

fn no_code_is_made() {
    for (name, _) in PROBES.iter().filter(|(name, _)| *name != "a block that grows" && *name != "another list") {
        check(name, "", Expect::Sigsys, Expect::Untried, Expect::Went);
    }
    check("another list", "", Expect::Sigsys, Expect::Untried, Expect::Answered);
    for jail in [
        Jail { engine: EngineId::Wasmi, ..Jail::new() },
        Jail { purpose: Purpose::Compiler, ..Jail::new() },
        Jail { engine: EngineId::Wasmi, ..Jail::new() }.at(Stage::Loading),
    ] {
        for name in ["map rx", "map rwx", "write, then rx", "own code rwx"] {
            expect(name, "inside", Expect::Sigsys, || jail.attempt(name, ""));
        }
    }
}

/// It makes code all its life: of what it has written, which it can then no longer write.
fn a_tenant_never_writes_code_it_executes() {
    let jail = Jail { purpose: Purpose::Tenant, ..Jail::new() };
    for name in ["map rwx", "map rx", "map wx", "write, then rwx", "own code rwx", "write, then by key"] {
        expect(name, "inside", Expect::Sigsys, || jail.attempt(name, ""));
    }
    expect("write, then rx", "inside", Expect::Went, || jail.attempt("write, then rx", ""));
}
