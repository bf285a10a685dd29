//! Small files that are much work, each as large as a file of its kind is usually shared, and each refused by a static
//! limit at the defaults, or accepted at once.

use std::time::{Duration, Instant};

use ambit_admit::{Verified, admit};
use ambit_core::{RejectReason, Rejection, ShapeKey};

use crate::check::{bytes, limited, refuse, rules};

/// Generous for a loaded machine and a debug build.
const AT_ONCE: Duration = Duration::from_secs(20);

fn timed(module: &[u8]) -> Result<Verified, Rejection> {
    let started = Instant::now();
    let result = admit(module, &rules());
    assert!(started.elapsed() < AT_ONCE, "{} bytes took {:?}", module.len(), started.elapsed());
    result
}

/// The static limit `key` refuses it.
fn refused(module: &[u8], key: ShapeKey) {
    let rejection = timed(module).expect_err("a bomb");
    let named = rejection.message.contains(&format!("the limit `{key}`"));
    assert!(rejection.reason == RejectReason::InvalidModule && named, "expected `{key}`: {rejection}");
}

/// Something that no limit admits.
fn never(module: &[u8], part: &str) {
    let rejection = timed(module).expect_err("a bomb");
    assert!(rejection.reason == RejectReason::InvalidModule && rejection.message.contains(part), "expected `{part}`: {rejection}");
}

fn accepted(module: &[u8]) {
    timed(module).expect("within the limits");
}

fn leb(mut n: u32) -> Vec<u8> {
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
    out
}

/// An index where a negative number would mean a primitive type.
fn signed(n: u32) -> Vec<u8> {
    let mut out = leb(n);
    if let Some(last) = out.last_mut().filter(|last| **last & 0x40 != 0) {
        *last |= 0x80;
        out.push(0);
    }
    out
}

fn sized(body: &[u8]) -> Vec<u8> {
    [leb(u32::try_from(body.len()).expect("small")).as_slice(), body].concat()
}

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [&[id], sized(body).as_slice()].concat()
}

/// A section of `count` items that all are `item`.
fn many(id: u8, count: u32, item: &[u8]) -> Vec<u8> {
    section(id, &[leb(count), item.repeat(count as usize)].concat())
}

fn core(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0", sections.concat().as_slice()].concat()
}

fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x0d\0\x01\0", sections.concat().as_slice()].concat()
}

/// The type section with `params` and `results` of `i32` in its one type.
fn func_type(params: u32, results: u32) -> Vec<u8> {
    let values = |n| [leb(n), vec![0x7f; n as usize]].concat();
    section(1, &[vec![1, 0x60], values(params), values(results)].concat())
}

/// `count` functions with this type section and this body: locals and code, without the end.
fn functions(types: &[u8], count: u32, body: &[u8]) -> Vec<u8> {
    let body = sized(&[body, &[0x0b]].concat());
    core(&[types.to_vec(), many(3, count, &[0]), many(10, count, &body)])
}

fn function(body: &[u8]) -> Vec<u8> {
    functions(&func_type(0, 0), 1, body)
}

#[test]
fn bomb_01_locals() {
    let locals = |n| [&[1], leb(n).as_slice(), &[0x7f]].concat();
    refused(&functions(&func_type(0, 0), 2000, &locals(50_000)), ShapeKey::Locals);
    refused(&functions(&func_type(0, 0), 2000, &locals(10_000)), ShapeKey::TotalLocals);
    accepted(&functions(&func_type(0, 0), 500, &locals(10_000)));
    // Ten thousand groups of none are nothing.
    accepted(&function(&[leb(10_000), [0, 0x7f].repeat(10_000)].concat()));
}

#[test]
fn bomb_02_nested_loops() {
    let nested = |n: usize| [&[0], [0x03, 0x40].repeat(n).as_slice(), &vec![0x0b; n]].concat();
    let limit = usize::try_from(rules().shape.get(ShapeKey::LoopNesting).ceiling()).expect("small");
    refused(&function(&nested(100_000)), ShapeKey::LoopNesting);
    refused(&function(&nested(limit + 1)), ShapeKey::LoopNesting);
    accepted(&function(&nested(limit)));
    // Each loop within a block of its own, and branching.
    let branching = |n: usize| [&[0], [0x02, 0x40, 0x03, 0x40, 0x41, 0, 0x0d, 0].repeat(n).as_slice(), &vec![0x0b; 2 * n]].concat();
    refused(&function(&branching(limit + 1)), ShapeKey::LoopNesting);
    accepted(&function(&branching(limit)));
    // Blocks of other kinds are cheap, and real programs nest thousands.
    let blocks = |n: usize| [&[0], [0x02, 0x40].repeat(n).as_slice(), &vec![0x0b; n]].concat();
    let limit = usize::try_from(rules().shape.get(ShapeKey::Nesting).ceiling()).expect("small");
    refused(&function(&blocks(limit + 1)), ShapeKey::Nesting);
    accepted(&function(&blocks(limit)));
}

#[test]
fn bomb_03_much_code() {
    let call = [0x10, 0];
    refused(&function(&[&[0], [0x02, 0x40].repeat(1_000_000).as_slice(), &vec![0x0b; 1_000_000]].concat()), ShapeKey::BodySize);
    refused(&function(&[&[0], call.repeat(1_000_000).as_slice()].concat()), ShapeKey::BodySize);
    refused(&core(&[func_type(0, 0), many(3, 1_000_000, &[0]), many(10, 1_000_000, &[2, 0, 0x0b])]), ShapeKey::Functions);
    let branchy = [0x02, 0x40, 0x41, 0, 0x0d, 0, 0x0b];
    refused(&function(&[&[0], branchy.repeat(1_000_000).as_slice()].concat()), ShapeKey::BodySize);
    refused(&function(&[&[0], [0x41, 0].repeat(50_000).as_slice(), &vec![0x1a; 50_000]].concat()), ShapeKey::Locals);
    // As much code as they have, in bodies of half a megabyte: for a compiler's budget, not for a static limit.
    accepted(&functions(&func_type(0, 0), 4, &[&[0], call.repeat(250_000).as_slice()].concat()));
}

#[test]
fn bomb_03_few_bytes_that_move_many_values() {
    // Unreachable code takes what it likes: two bytes, a thousand values.
    let unreachable = [&[0, 0x00], [0x10, 0].repeat(400_000).as_slice()].concat();
    never(&functions(&func_type(1000, 0), 1, &unreachable), "brought the values that calls, branches and blocks move to");
    let results = [&[0], [0x10, 0].repeat(400_000).as_slice()].concat();
    refused(&functions(&func_type(0, 1000), 1, &results), ShapeKey::Locals);
    // block (type 0), with a thousand results each, left behind by a branch.
    let blocks = [&[0, 0x00], [0x02, 0, 0x00, 0x0b, 0x00].repeat(100_000).as_slice()].concat();
    never(&functions(&func_type(0, 1000), 1, &blocks), "brought the values");
    let branches = [&[0, 0x00], [0x0d, 0].repeat(300_000).as_slice()].concat();
    never(&functions(&func_type(0, 1000), 1, &branches), "brought the values");
}

#[test]
fn bomb_04_br_table() {
    let table = |n: u32| [&[0x41, 0, 0x0e], leb(n).as_slice(), &vec![0; n as usize + 1]].concat();
    refused(&function(&[&[0], table(200_000).as_slice()].concat()), ShapeKey::BrTable);
    refused(&functions(&func_type(0, 0), 101, &[&[0], table(10_000).as_slice()].concat()), ShapeKey::TotalBrTable);
    accepted(&functions(&func_type(0, 0), 100, &[&[0], table(10_000).as_slice()].concat()));
    let wide = [&[0, 0x00], table(10_000).as_slice()].concat();
    never(&functions(&func_type(0, 1000), 1, &wide), "brought the values");
}

#[test]
fn bomb_05_much_of_everything() {
    refused(&core(&[many(1, 1_000_000, &[0x60, 0, 0])]), ShapeKey::Types);
    refused(&core(&[many(6, 1_000_000, &[0x7f, 0, 0x41, 0, 0x0b])]), ShapeKey::Globals);
    refused(&core(&[func_type(2, 0), many(2, 100_000, b"\x03env\x03log\0\0")]), ShapeKey::Imports);
    let exports: Vec<u8> =
        (0..100_000).flat_map(|i| [sized(format!("{i:01000}").as_bytes()).as_slice(), &[0, 0]].concat()).collect();
    refused(&core(&[section(7, &[leb(100_000), exports].concat())]), ShapeKey::Exports);
    // Ten thousand types of two thousand values.
    let wide = [&[0x60], leb(1000).as_slice(), &[0x7f; 1000], leb(1000).as_slice(), &[0x7f; 1000]].concat();
    refused(&core(&[many(1, 10_000, &wide)]), ShapeKey::Types);
}

#[test]
fn bomb_06_segments() {
    let memory = section(5, &[1, 0, 1]);
    accepted(&core(&[memory.clone(), many(11, 90_000, &[0, 0x41, 0, 0x0b, 0])]));
    refused(&core(&[memory.clone(), many(11, 300_000, &[0, 0x41, 0, 0x0b, 0])]), ShapeKey::DataSegments);
    let items = [&[1, 1, 0], leb(10_000_000).as_slice(), &vec![0; 10_000_000]].concat();
    refused(
        &core(&[func_type(0, 0), section(3, &[1, 0]), section(9, &items), section(10, &[1, 2, 0, 0x0b])]),
        ShapeKey::ElementItems,
    );
    // Where data goes is found out when it is copied.
    accepted(&core(&[memory, section(11, &[&[1, 0, 0x41, 0x7f, 0x0b], sized(&vec![7; 1_000_000]).as_slice()].concat())]));
}

#[test]
fn bomb_07_custom_sections() {
    let custom = |name: &str, size: usize| core(&[section(0, &[sized(name.as_bytes()), vec![0; size]].concat())]);
    accepted(&custom("name", 20 << 20));
    let rejection = timed(&custom("x", 101 << 20)).expect_err("too large");
    assert!(rejection.message.contains("the limit `module-size` is 100MiB"), "{rejection}");
    // A million empty ones.
    accepted(&core(&[[0, 1, 0].repeat(1_000_000)]));
}

#[test]
fn bomb_08_nested_component_types() {
    let nested = |n: usize| component(&[section(7, &[&[1], [0x41, 1, 0x01].repeat(n).as_slice(), &[0x41, 0]].concat())]);
    refused(&nested(100_000), ShapeKey::ComponentNesting);
    refused(&nested(5_000_000), ShapeKey::ComponentNesting);
    accepted(&nested(99));
    let mut deeper = limited(ShapeKey::ComponentNesting, 1000);
    deeper.shape.component_items = ambit_core::Bound::Unlimited;
    refuse(nested(500), &deeper, RejectReason::InvalidModule, "types nested more than 100 deep, which is never allowed");
}

#[test]
fn cmp_001_types_that_double() {
    let doubling = |n: u32| {
        let tuples = (0..n).flat_map(|i| [&[0x6f, 2], signed(i).as_slice(), &signed(i)].concat());
        component(&[section(7, &[leb(n + 1), vec![0x73], tuples.collect()].concat())])
    };
    refused(&doubling(30), ShapeKey::TypeSize);
    accepted(&doubling(15));
}

#[test]
fn cmp_002_nested_components() {
    let mut module = component(&[]);
    for _ in 0..1200 {
        module = component(&[section(4, &module)]);
    }
    refused(&module, ShapeKey::ComponentNesting);
}

/// Each instance type exports an instance of the one before: the validator counts depth in seven bits.
fn chain(links: u32, innermost: &[u8], defined: u32) -> Vec<u8> {
    // alias outer 1 of type i; export "a" (instance 0)
    let link = |i| [&[0x42, 2, 0x02, 0x03, 0x02, 0x01], leb(i).as_slice(), &[0x04, 0x00, 1, b'a', 0x05, 0]].concat();
    let chain: Vec<u8> = (0..links).flat_map(|i| link(defined - 1 + i)).collect();
    component(&[section(7, &[leb(defined + links), innermost.to_vec(), chain].concat())])
}

#[test]
fn types_that_contain_each_other() {
    never(&chain(200, &[0x42, 0], 1), "contain each other more than 20 deep");
    never(&chain(20_000, &[0x42, 0], 1), "contain each other more than 20 deep");
    accepted(&chain(19, &[0x42, 0], 1));
    // The deepest value type that the validator allows, in a function, in as many interfaces as are allowed here.
    let lists: Vec<u8> = (0..99).flat_map(|i| [&[0x70], signed(i).as_slice()].concat()).collect();
    let interface =
        [&[0x42, 3, 0x02, 0x03, 0x02, 0x01], leb(99).as_slice(), b"\x01\x40\x01\x01p\x00\x01\x00", b"\x04\x00\x01f\x01\x01"]
            .concat();
    accepted(&chain(19, &[vec![0x73], lists, interface].concat(), 101));
    // The same with instances in place of types.
    let bags: String = (0..200).map(|i| format!(r#"(instance (export "a" (instance {i})))"#)).collect();
    never(&bytes(format!("(component (instance) {bags})")), "contain each other more than 20 deep");
}

#[test]
fn uses_that_copy_types() {
    let resources: String = (0..10_000).map(|i| format!(r#"(export "r{i}" (type (sub resource)))"#)).collect();
    let using = |uses: String| bytes(format!("(component (type $t (instance {resources})) {uses})"));
    let import = r#"(alias outer 1 0 (type)) (import "a" (instance (type 0)))"#;
    refused(&using(format!("(component {import})").repeat(60)), ShapeKey::ComponentItems);
    refused(&using(format!("(type (component {import}))").repeat(60)), ShapeKey::ComponentItems);
    let export = r#"(type (instance (alias outer 1 0 (type)) (export "a" (instance (type 0)))))"#;
    refused(&using(export.repeat(60)), ShapeKey::ComponentItems);
    let exports: String = (0..9000).map(|i| format!(r#"(export "f{i}" (func 0))"#)).collect();
    let instances = "(core instance (instantiate 0))".repeat(900);
    refused(&bytes(format!("(component (core module (func) {exports}) {instances})")), ShapeKey::ComponentItems);
}
