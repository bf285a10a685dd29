//! Hostile modules that text cannot express: malformed binaries (`inv-*`), bombs for a parser or compiler (`bomb-*`), and one
//! that would be pages of text (`cpu-013`).
//!
//! The catalogue names them `bytes:ID`. They are written byte by byte, so that nothing stands between the attack and the
//! file; ids that end in `-within` have the same shape inside the default limits, and must be admitted. All is deterministic.

/// The rest of a component that is a program and does nothing.
const PROGRAM: &str = r#"
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run)))"#;

/// A program with components in it, `depth` of them one in the other.
fn components(depth: usize) -> Vec<u8> {
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
    const COMPONENT: u8 = 4;
    let nested = (1..depth).fold(EMPTY.to_vec(), |inner, _| [EMPTY, &section(COMPONENT, &inner)].concat());
    let program = wat::parse_str(format!("(component {PROGRAM})")).expect("valid text");
    [program, section(COMPONENT, &nested)].concat()
}

/// A program of `count` core instances.
fn instances(count: usize) -> Vec<u8> {
    let more = "(core instance (instantiate $m))".repeat(count - 1);
    wat::parse_str(format!("(component {PROGRAM} {more})")).expect("valid text")
}

/// Returns the module called `id`, or `None` when there is none of that name.
pub(crate) fn generate(id: &str) -> Option<Vec<u8>> {
    Some(match id {
        "cpu-013" => straight_line_bulk(1_000),

        "cmp-002" => components(1_200),
        "cmp-002-within" => components(90),
        "cmp-003" => instances(600),

        "inv-002" => truncated(),
        "inv-003" => over_long_size(&[0x84, 0x80, 0x80, 0x80, 0x80, 0x00]),
        "inv-003-bits" => over_long_size(&[0x84, 0x80, 0x80, 0x80, 0x70]),
        "inv-004-types" => count_bomb(TYPE),
        "inv-004-imports" => count_bomb(IMPORT),
        "inv-004-functions" => count_bomb(FUNCTION),
        "inv-004-globals" => count_bomb(GLOBAL),
        "inv-004-elements" => count_bomb(ELEMENT),
        "inv-004-code" => count_bomb(CODE),
        "inv-004-data" => count_bomb(DATA),
        "inv-004-params" => Module::new().item(TYPE, &[&[0x60], ENDLESS].concat()).finish(),
        "inv-004-br-table" => {
            let branch = [&[0x41, 0, 0x0e], ENDLESS].concat();
            Module::new().run(&[0], &branch).finish()
        }
        // Twice 2^32-1 locals: the sum overflows.
        "inv-005" => Module::new().run(&[&[2], ENDLESS, &[I32], ENDLESS, &[I32]].concat(), &[]).finish(),
        "inv-006" => [PREAMBLE, &section(CODE, &[1, 2, 0, END]), &section(FUNCTION, &[1, 0])].concat(),
        "inv-006-twice" => {
            let types = section(TYPE, &[1, 0x60, 0, 0]);
            [PREAMBLE, &types, &types].concat()
        }
        "inv-007-elf" => native(b".text"),
        "inv-007-cwasm" => native(b".wasmtime.engine"),
        "inv-008" => renumbered(&[2, 0, 0, 0]),
        "inv-008-layer" => renumbered(&[1, 0, 7, 0]),
        "inv-009" => Vec::new(),
        "inv-009-magic" => PREAMBLE[..4].to_vec(),
        "inv-011" => Module::new().item(EXPORT, &[2, 0xff, 0xfe, FUNC, 0]).finish(),
        "inv-012" => broken_names(),
        "inv-013" => subtype_chain(1_000),
        "inv-014" => Module::new().item(EXPORT, b"\x03run\x00\x00").finish(),

        "bomb-01-locals" => locals(2_000, 50_000),
        "bomb-01-locals-within" => locals(20, 10_000),
        "bomb-02-nested-loops" => nested(0x03, 100_000),
        "bomb-02-nested-loops-within" => nested(0x03, 100),
        "bomb-03-nested-blocks" => nested(0x02, 1_000_000),
        "bomb-03-nested-blocks-within" => nested(0x02, 900),
        "bomb-03-calls" => calls(1_000_000),
        "bomb-03-calls-within" => calls(10_000),
        "bomb-03-funcs" => functions(1_000_000),
        "bomb-03-funcs-within" => functions(5_000),
        "bomb-03-branchy" => Module::new().run(&[0], &[0x41, 0, 0x04, EMPTY, END].repeat(1_400_000)).finish(),
        // A MiB of `nop`, less the few bytes around it.
        "bomb-03-branchy-within" => Module::new().run(&[0], &[0x01].repeat((1 << 20) - 16)).finish(),
        "bomb-03-live-values" => live_values(9_999, 8),
        "bomb-03-live-values-within" => live_values(100, 8),
        "bomb-04-br-table" => br_tables(1, 200_000),
        "bomb-04-br-table-within" => br_tables(1, 9_999),
        "bomb-04-br-table-many" => br_tables(200, 9_000),
        "bomb-05-types" => Module::new().items(TYPE, 1_000_000, &[0x60, 0, 0]).finish(),
        "bomb-05-types-within" => Module::new().items(TYPE, 9_999, &[0x60, 0, 0]).finish(),
        "bomb-05-globals" => Module::new().items(GLOBAL, 1_000_000, &[I32, 0, 0x41, 0, END]).finish(),
        "bomb-05-globals-within" => Module::new().items(GLOBAL, 10_000, &[I32, 0, 0x41, 0, END]).finish(),
        "bomb-05-imports" => imports(100_000),
        "bomb-05-imports-within" => imports(1_000),
        "bomb-05-exports" => exports(100_000, 1_000),
        "bomb-05-exports-within" => exports(9_999, 1_000),
        "bomb-06-data-segments" => data_segments(250_000),
        // A Go program has that many, and must run.
        "bomb-06-data-segments-within" => data_segments(90_000),
        "bomb-06-elem" => element_segment(10_000_000),
        "bomb-06-elem-within" => element_segment(10_000),
        "bomb-06-data-oob" => data_out_of_bounds(100_000_000),
        "bomb-07-custom" => custom(b"x", &[0].repeat(100 << 20)),
        "bomb-07-name-section" => custom(b"name", &long_name(20_000_000)),
        "bomb-08-component-types" => nested_component_types(100_000),
        // 3.6 kB, and yet deeper than a recursive reader can go on a thread's stack.
        "bomb-08-component-types-1200" => nested_component_types(1_200),
        _ => return None,
    })
}

// Magic number and version of a core module.
const PREAMBLE: &[u8] = b"\0asm\x01\0\0\0";

// Section ids.
const TYPE: u8 = 1;
const IMPORT: u8 = 2;
const FUNCTION: u8 = 3;
const MEMORY: u8 = 5;
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const ELEMENT: u8 = 9;
const CODE: u8 = 10;
const DATA: u8 = 11;

// Single bytes of types and instructions.
const I32: u8 = 0x7f;
const I64: u8 = 0x7e;
const EMPTY: u8 = 0x40;
const FUNC: u8 = 0;
const END: u8 = 0x0b;

/// 2^32-1 in LEB128: the greatest count there is.
const ENDLESS: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x0f];

/// A number in unsigned LEB128.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Bytes with their length in front: a name, a body, the inside of a section.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&leb(bytes.len()), bytes].concat()
}

fn section(id: u8, inside: &[u8]) -> Vec<u8> {
    [&[id], sized(inside).as_slice()].concat()
}

/// A function's entry in the code section. `locals` is their whole encoded list, `code` lacks its `end`.
fn body(locals: &[u8], code: &[u8]) -> Vec<u8> {
    sized(&[locals, code, &[END]].concat())
}

/// A module with a type 0, `() -> ()`, and a function of that type exported as `run`, to which a shape adds its own.
struct Module {
    /// For each section id the number of items and their bytes.
    sections: [(usize, Vec<u8>); 12],
    run: Vec<u8>,
}

impl Module {
    fn new() -> Self {
        let module = Self { sections: Default::default(), run: body(&[0], &[]) };
        module.item(TYPE, &[0x60, 0, 0]).item(FUNCTION, &[0])
    }

    /// What `run` does, instead of nothing.
    fn run(mut self, locals: &[u8], code: &[u8]) -> Self {
        self.run = body(locals, code);
        self
    }

    fn item(self, section: u8, item: &[u8]) -> Self {
        self.items(section, 1, item)
    }

    fn items(mut self, section: u8, count: usize, item: &[u8]) -> Self {
        let (have, bytes) = &mut self.sections[usize::from(section)];
        *have += count;
        bytes.extend_from_slice(&item.repeat(count));
        self
    }

    /// A function of type 0 beside `run`.
    fn functions(self, count: usize, body: &[u8]) -> Self {
        self.items(FUNCTION, count, &[0]).items(CODE, count, body)
    }

    fn finish(mut self) -> Vec<u8> {
        // Imported functions come first in the numbering, `run` is the first after them.
        let imported = self.sections[usize::from(IMPORT)].0;
        self = self.item(EXPORT, &[b"\x03run\x00", leb(imported).as_slice()].concat());
        let (have, bytes) = &mut self.sections[usize::from(CODE)];
        *have += 1;
        bytes.splice(0..0, std::mem::take(&mut self.run));

        let mut module = PREAMBLE.to_vec();
        for (id, (count, items)) in (0u8..).zip(&self.sections) {
            if *count > 0 {
                let count = leb(*count);
                module.push(id);
                module.extend(leb(count.len() + items.len()));
                module.extend(count);
                module.extend_from_slice(items);
            }
        }
        module
    }
}

// ---- cpu

/// Fills 32 MiB `count` times in a row: no loop and no call, where an engine would look at the clock.
fn straight_line_bulk(count: usize) -> Vec<u8> {
    let fill = [0x41, 0, 0x41, 0x5a, 0x41, 0x80, 0x80, 0x80, 0x10, 0xfc, 0x0b, 0];
    Module::new().item(MEMORY, &[0, 0x80, 0x04]).run(&[0], &fill.repeat(count)).finish()
}

// ---- inv

/// A proper module, cut off in the middle of its code.
fn truncated() -> Vec<u8> {
    let mut module = Module::new().run(&[0], &[0x01, 0x01]).finish();
    module.truncate(module.len() - 2);
    module
}

/// A type section of four bytes whose size is spelt in a way that the format forbids.
fn over_long_size(size: &[u8]) -> Vec<u8> {
    [PREAMBLE, &[TYPE], size, &[1, 0x60, 0, 0]].concat()
}

/// A section that claims 2^32-1 items and has none: whoever reserves room for them first is gone.
fn count_bomb(id: u8) -> Vec<u8> {
    [PREAMBLE, &section(id, ENDLESS)].concat()
}

/// What native code looks like: an ELF header for x86-64, and a section name that an engine's own artifacts carry.
/// Whoever loads that as an artifact runs it.
fn native(name: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
    file.resize(64, 0);
    file.extend_from_slice(name);
    file.resize(4096, 0xcc);
    file
}

/// A proper module with another version and layer.
fn renumbered(version: &[u8; 4]) -> Vec<u8> {
    let mut module = Module::new().finish();
    module[4..8].copy_from_slice(version);
    module
}

/// A proper module with name sections that are not: 2^32-1 names, names that are not UTF-8, a subsection longer than its section.
fn broken_names() -> Vec<u8> {
    let names = |inside: &[u8]| section(0, &[&sized(b"name"), inside].concat());
    [
        Module::new().finish(),
        names(&[&[1, 5], ENDLESS].concat()),
        names(&[1, 5, 1, 0, 2, 0xff, 0xfe]),
        names(&[&[1], ENDLESS].concat()),
    ]
    .concat()
}

/// Struct types, each the subtype of the one before.
fn subtype_chain(length: usize) -> Vec<u8> {
    // Type 0 is the function's, type 1 the root.
    let root = Module::new().item(TYPE, &[0x50, 0, 0x5f, 0]);
    (1..length).fold(root, |module, parent| module.item(TYPE, &[&[0x50, 1], leb(parent).as_slice(), &[0x5f, 0]].concat())).finish()
}

// ---- bomb

fn locals(functions: usize, each: usize) -> Vec<u8> {
    let list = [&[1], leb(each).as_slice(), &[I32]].concat();
    Module::new().functions(functions, &body(&list, &[])).finish()
}

/// Blocks (`0x02`) or loops (`0x03`) inside one another.
fn nested(opcode: u8, depth: usize) -> Vec<u8> {
    Module::new().run(&[0], &[[opcode, EMPTY].repeat(depth), [END].repeat(depth)].concat()).finish()
}

/// Calls of an empty function, one after the other.
fn calls(count: usize) -> Vec<u8> {
    Module::new().functions(1, &body(&[0], &[])).run(&[0], &[0x10, 1].repeat(count)).finish()
}

fn functions(count: usize) -> Vec<u8> {
    Module::new().functions(count - 1, &body(&[0], &[])).finish()
}

/// Branches that each change every local: all of them are alive, in two versions, wherever branches join.
/// Within every static limit, and yet minutes of register allocation.
fn live_values(locals: usize, branches: usize) -> Vec<u8> {
    let change = (0..locals).map(leb).flat_map(|local| [&[0x20], &*local, &[0x41, 1, 0x6a, 0x21], &*local].concat());
    let branch = [0x41, 0, 0x28, 2, 0, 0x04, EMPTY].into_iter().chain(change).chain([END]).collect::<Vec<_>>();
    let list = [&[1], leb(locals).as_slice(), &[I32]].concat();
    Module::new().item(MEMORY, &[0, 1]).run(&list, &branch.repeat(branches)).finish()
}

fn br_tables(functions: usize, targets: usize) -> Vec<u8> {
    let table = [&[0x02, EMPTY, 0x41, 0, 0x0e], leb(targets).as_slice(), &[0].repeat(targets + 1), &[END]].concat();
    Module::new().functions(functions, &body(&[0], &table)).finish()
}

/// Imports of `env.time`, which exists.
fn imports(count: usize) -> Vec<u8> {
    Module::new().item(TYPE, &[0x60, 0, 1, I64]).items(IMPORT, count, b"\x03env\x04time\x00\x01").finish()
}

/// Exports of one function under `count` names of `length` bytes.
fn exports(count: usize, length: usize) -> Vec<u8> {
    let mut module = Module::new();
    let (have, bytes) = &mut module.sections[usize::from(EXPORT)];
    *have = count;
    for number in 0..count {
        bytes.extend(sized(format!("{number:x>length$}").as_bytes()));
        bytes.extend([FUNC, 0]);
    }
    module.finish()
}

/// Active segments of one byte.
fn data_segments(count: usize) -> Vec<u8> {
    Module::new().item(MEMORY, &[0, 1]).items(DATA, count, &[0, 0x41, 0, END, 1, b'x']).finish()
}

/// One passive segment of `items` functions.
fn element_segment(items: usize) -> Vec<u8> {
    Module::new().item(ELEMENT, &[&[1, 0], leb(items).as_slice(), &[0].repeat(items)].concat()).finish()
}

/// One active segment for a memory of one page, in which it has no room.
fn data_out_of_bounds(length: usize) -> Vec<u8> {
    let segment = [&[0, 0x41, 1, END], sized(&[0].repeat(length)).as_slice()].concat();
    Module::new().item(MEMORY, &[0, 1]).item(DATA, &segment).finish()
}

fn custom(name: &[u8], inside: &[u8]) -> Vec<u8> {
    [Module::new().finish(), section(0, &[&sized(name), inside].concat())].concat()
}

/// A name section that gives function 0 one long name.
fn long_name(length: usize) -> Vec<u8> {
    let names = [&[1, 0], sized(&[b'x'].repeat(length)).as_slice()].concat();
    [&[1], sized(&names).as_slice()].concat()
}

/// A component with one type, a component type that declares one, and so on.
fn nested_component_types(depth: usize) -> Vec<u8> {
    let types = [&[1], [0x41, 1, 1].repeat(depth).as_slice(), &[0x41, 0]].concat();
    [b"\0asm\x0d\0\x01\0", section(7, &types).as_slice()].concat()
}
