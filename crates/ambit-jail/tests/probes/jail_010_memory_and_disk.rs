//! jail-010: filling memory in every way there is, and file systems.

use std::{fs, io::Write as _, path::Path};

use ambit_jail::{
    Purpose, Rlimits,
    cgroup::{Cgroups, GroupLimits},
};
use libc::{MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};
use rustix::fs::{Mode, OFlags, ResolveFlags};

use crate::{
    Test,
    jail::{Jail, Stage},
    outside::{self, outside},
    probe::{Attempt, Came, Expect, Given, Probes, expect},
    raw::{call, ptr},
    skip::skip,
    touch,
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_010_no_memory_is_hidden_from_its_limit", no_memory_is_hidden_from_its_limit),
    ("jail_010_the_stack_cannot_be_moved", the_stack_cannot_be_moved),
    ("jail_010_address_space_bounds_page_tables", address_space_bounds_page_tables),
    ("jail_010_a_group_counts_all_memory", a_group_counts_all_memory),
    ("jail_010_file_systems_end", file_systems_end),
];

pub(crate) const PROBES: Probes = &[
    ("private memory", Attempt::Call(|_| blocks(|| kept(map(BLOCK, RW, DATA))))),
    ("the heap", Attempt::Call(|_| heap())),
    ("shared memory", Attempt::Call(|_| blocks(|| kept(map(BLOCK, RW, MAP_SHARED | MAP_ANONYMOUS))))),
    ("stacks", Attempt::Call(|_| blocks(|| kept(map(BLOCK, RW, DATA | MAP_GROWSDOWN))))),
    ("memory made read-only", Attempt::Call(|_| blocks(|| hidden(PROT_READ)))),
    ("memory made unreadable", Attempt::Call(|_| blocks(|| hidden(0)))),
    ("the stack, moved", Attempt::Call(moved_stack)),
    ("memory files", Attempt::Call(|_| blocks(memory_file))),
    ("pipes", Attempt::Call(|_| blocks(pipes))),
    ("System V memory", Attempt::Call(|_| blocks(system_v))),
    ("remapped", Attempt::Call(|_| remapped())),
    ("page tables", Attempt::Call(|_| page_tables())),
    ("fill /tmp", Attempt::Call(|_| fill_tmp())),
    ("many files", Attempt::Call(|_| many_files())),
    ("write to /", Attempt::Look(|_| said(&create(Path::new("/file")).map(drop)))),
    ("a long file", Attempt::Look(long_file)),
];

const BLOCK: u64 = 8 << 20;
const RW: i32 = PROT_READ | PROT_WRITE;
const DATA: i32 = MAP_PRIVATE | MAP_ANONYMOUS;
/// What there is to be had outside, in blocks: more than the limit inside.
const MOST: i64 = 20;
const LIMIT: u64 = 48 << 20;
const LIMIT_BLOCKS: i64 = 6;

/// As many blocks as there are to be had, up to those that show that there is no limit.
fn blocks(take: impl Fn() -> bool) -> i64 {
    (0..MOST).take_while(|_| take()).count() as i64
}

fn map(bytes: u64, protection: i32, flags: i32) -> i64 {
    call(libc::SYS_mmap, [0, bytes, protection as u64, flags as u64, u64::MAX, 0])
}

/// Fills what was mapped, if it was.
fn kept(address: i64) -> bool {
    if address > 0 {
        touch::fill(address.cast_unsigned(), BLOCK);
    }
    address > 0
}

/// Fills a block, and makes it something that is not counted.
fn hidden(protection: i32) -> bool {
    let address = map(BLOCK, RW, DATA);
    kept(address) && call(libc::SYS_mprotect, [address.cast_unsigned(), BLOCK, protection as u64, 0, 0, 0]) == 0
}

fn heap() -> i64 {
    blocks(|| {
        let end = call(libc::SYS_brk, [0; 6]).cast_unsigned();
        let more = call(libc::SYS_brk, [end + BLOCK, 0, 0, 0, 0, 0]).cast_unsigned() == end + BLOCK;
        if more {
            touch::fill((end + 4095) & !4095, BLOCK - 4096);
        }
        more
    })
}

fn memory_file() -> bool {
    let file = call(libc::SYS_memfd_create, [c"x".as_ptr() as u64, 0, 0, 0, 0, 0]);
    file >= 0 && call(libc::SYS_fallocate, [file.cast_unsigned(), 0, 0, BLOCK, 0, 0]) == 0
}

/// A pipe with a megabyte in it counts as a block here: the point is that there is any.
fn pipes() -> bool {
    let mut pipe = [0_i32; 2];
    call(libc::SYS_pipe2, [ptr(&mut pipe), libc::O_NONBLOCK as u64, 0, 0, 0, 0]) == 0
        && call(libc::SYS_write, [pipe[1] as u64, ptr(&mut [0_u8; 65536]), 65536, 0, 0, 0]) > 0
}

fn system_v() -> bool {
    let segment = call(libc::SYS_shmget, [0, BLOCK, 0o1600, 0, 0, 0]);
    let at = call(libc::SYS_shmat, [segment.cast_unsigned(), 0, 0, 0, 0, 0]);
    // It goes with the last process that has it.
    call(libc::SYS_shmctl, [segment.cast_unsigned(), 0, 0, 0, 0, 0]);
    kept(at)
}

/// One page that is made larger and larger.
fn remapped() -> i64 {
    let page = map(4096, RW, DATA).cast_unsigned();
    let larger = |blocks: i64| call(libc::SYS_mremap, [page, 4096, BLOCK * blocks.cast_unsigned(), 1, 0, 0]);
    (1..=MOST).rev().find(|blocks| larger(*blocks) > 0).unwrap_or(0)
}

/// A page of the stack becomes a block that still counts as stack. What it was is found by whoever asks beforehand, in native
/// code by its stack pointer.
fn moved_stack(_: &Given) -> i64 {
    let mut here = 0_u8;
    // Far enough below to be used by nothing that runs here, and near enough to be mapped.
    let page = (ptr(&mut here) & !4095) - (16 << 10);
    touch::fill(page, 4096);
    let moved = call(libc::SYS_mremap, [page, 4096, BLOCK * MOST.cast_unsigned(), 1, 0, 0]);
    if moved < 0 {
        return moved;
    }
    touch::fill(moved.cast_unsigned(), BLOCK * MOST.cast_unsigned());
    0
}

/// A page of page tables for each two megabytes that are looked at: 64 MiB of them.
fn page_tables() -> i64 {
    const SPACE: u64 = 32 << 30;
    let address = map(SPACE, PROT_READ, DATA | MAP_NORESERVE);
    if address < 0 {
        return address;
    }
    touch::look(address.cast_unsigned(), SPACE, 2 << 20);
    0
}

fn said(result: &std::io::Result<()>) -> String {
    result.as_ref().map_or_else(|error| format!("{:?}", error.kind()), |()| "went".into())
}

/// By the call that the list has, which the standard library does not make.
fn create(path: &Path) -> std::io::Result<fs::File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    Ok(rustix::fs::openat2(rustix::fs::CWD, path, flags, Mode::RUSR | Mode::WUSR, ResolveFlags::empty())?.into())
}

/// The same.
fn remove(path: &Path) {
    let _ = rustix::fs::unlinkat(rustix::fs::CWD, path, rustix::fs::AtFlags::empty());
}

fn fill_tmp() -> i64 {
    let dir = std::env::temp_dir().join(format!("ambit-fill-{}", std::process::id()));
    let mut file = create(&dir).expect("a file in /tmp");
    let bytes = vec![1; 64 << 10];
    let blocks = (0..64).take_while(|_| file.write_all(&bytes).is_ok()).count();
    remove(&dir);
    blocks as i64 * 64
}

fn many_files() -> i64 {
    let name = |number: u32| std::env::temp_dir().join(format!("ambit-many-{}-{number}", std::process::id()));
    let made = (0..1000).take_while(|number| create(&name(*number)).is_ok()).count();
    (0..1000).for_each(|number| remove(&name(number)));
    made as i64
}

fn long_file(_: &Given) -> String {
    let path = std::env::temp_dir().join(format!("ambit-long-{}", std::process::id()));
    let written = create(&path).and_then(|mut file| file.write_all(&vec![0; 256 << 10]));
    remove(&path);
    said(&written)
}

/// What it says of an attempt that is refused more, and goes on.
fn number(came: &Came) -> i64 {
    match came {
        Came::Said(number) => number.parse().expect("a number"),
        other => panic!("it goes on: {other:?}"),
    }
}

fn limited() -> Jail {
    Jail { rlimits: Rlimits { data: Some(LIMIT), ..Rlimits::default() }, ..Jail::new() }
}

fn no_memory_is_hidden_from_its_limit() {
    for purpose in [Purpose::Process, Purpose::Compiler] {
        let jail = Jail { purpose, ..limited() };
        for name in ["private memory", "the heap", "remapped"] {
            let blocks = number(&jail.attempt(name, ""));
            // Where the stack cannot be sealed nothing is remapped at all.
            let least = if name == "remapped" { 0 } else { 2 };
            assert!((least..LIMIT_BLOCKS).contains(&blocks), "{name}: {blocks} blocks");
        }
        for name in [
            "shared memory",
            "stacks",
            "memory made read-only",
            "memory made unreadable",
            "memory files",
            "pipes",
            "System V memory",
        ] {
            expect(name, "inside", Expect::Sigsys, || jail.attempt(name, ""));
        }
    }
    for (name, _) in &PROBES[..11] {
        let expect = if *name == "the stack, moved" { 0 } else { MOST };
        assert_eq!(outside(name, ""), Came::said(expect), "{name}");
    }
}

/// Sealed where the kernel can, and else nothing can be moved.
fn the_stack_cannot_be_moved() {
    for purpose in [Purpose::Process, Purpose::Compiler, Purpose::Tenant] {
        let jail = Jail { purpose, ..limited() };
        let refused = Expect::Fails(&[libc::EPERM, libc::ENOMEM]);
        expect("the stack, moved", "inside", refused, || jail.attempt("the stack, moved", ""));
    }
}

/// Native code has page tables made for nothing by reading what is not there, and only a limit on the address space, or a group,
/// counts them.
fn address_space_bounds_page_tables() {
    let rlimits = Rlimits { data: Some(LIMIT), address_space: Some(16 << 30), ..Rlimits::default() };
    let jail = Jail { rlimits, ..Jail::new() };
    expect("page tables", "inside", Expect::Fails(&[libc::ENOMEM]), || jail.attempt("page tables", ""));
    expect("page tables", "outside", Expect::Went, || outside("page tables", ""));
}

fn a_group_counts_all_memory() {
    let cgroups = Cgroups::discover();
    if !cgroups.offers().memory {
        return skip("jail_010_a_group_counts_all_memory", "no group can be made here that bounds memory");
    }
    let limits = GroupLimits { memory: Some(LIMIT), ..GroupLimits::default() };
    let group = cgroups.create("bomb", &limits).expect("a group");
    // What no limit of the process counts, were there a call for it.
    for name in ["shared memory", "memory made read-only", "memory files", "page tables"] {
        let jail = Jail::new().at(Stage::Below);
        let came = jail.start(name, "", &[], Some(&group)).expect("a process").came();
        assert_eq!(came, Came::Killed(libc::SIGKILL), "{name}");
    }
}

fn file_systems_end() {
    let jail = Jail { tmp: Some(1 << 20), ..Jail::new() };
    let kib = number(&jail.attempt("fill /tmp", ""));
    assert!((512..=1024).contains(&kib), "{kib} KiB");
    assert_eq!(outside("fill /tmp", ""), Came::said(4096));
    let files = number(&jail.attempt("many files", ""));
    assert!((200..=256).contains(&files), "{files} files");
    assert_eq!(outside("many files", ""), Came::said(1000));
    assert_eq!(jail.attempt("write to /", ""), Came::said("ReadOnlyFilesystem"));
    let short = Jail { rlimits: Rlimits { file_size: Some(64 << 10), ..Rlimits::default() }, ..jail };
    assert_eq!(short.attempt("a long file", ""), Came::said("FileTooLarge"));
    assert_eq!(outside::outside("a long file", ""), Came::said("went"));
}
