//! What the default limits allow does load: with the pool on, which must not refuse it.

use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection, Instruction,
    MemorySection, MemoryType, Module, RefType, TableSection, TableType, TypeSection,
};

use crate::{
    alone::alone,
    door::{Ask, Door, shown},
};

/// As many functions as LLVM has.
const FUNCTIONS: u32 = 133_398;

/// A module of so many functions, memories, and tables with as many elements in all.
fn module(functions: u32, memories: u32, tables: u32, elements: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut body = Function::new([]);
    body.instruction(&Instruction::End);
    for _ in 0..functions {
        declared.function(0);
        code.function(&body);
    }
    let mut table_section = TableSection::new();
    for _ in 0..tables {
        let minimum = u64::from(elements / tables);
        table_section.table(TableType { element_type: RefType::FUNCREF, minimum, maximum: None, table64: false, shared: false });
    }
    let mut memory_section = MemorySection::new();
    for _ in 0..memories {
        memory_section.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    }
    let mut exports = ExportSection::new();
    exports.export("_start", ExportKind::Func, 0);
    let mut segments = ElementSection::new();
    if let Some(each) = elements.checked_div(tables) {
        let all: Vec<u32> = (0..each.min(functions)).collect();
        segments.active(Some(0), &ConstExpr::i32_const(0), Elements::Functions(all.into()));
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&table_section).section(&memory_section).section(&exports);
    module.section(&segments).section(&code);
    module.finish()
}

#[test]
fn eight_memories_ten_tables_and_a_hundred_thousand_elements() {
    let door = Door::new();
    let outcome = |module| shown(&door.run(Ask::bytes(module, &[])).report.outcome);
    assert_eq!(outcome(module(10, 8, 10, 100_000)), "exited:0");
    assert_eq!(outcome(module(10, 1, 1, 100_000)), "exited:0");
    assert_eq!(outcome(module(10, 9, 1, 10)), "limit-exceeded:memories");
    assert_eq!(outcome(module(10, 1, 11, 11)), "limit-exceeded:tables");
    assert_eq!(outcome(module(10, 1, 1, 100_001)), "limit-exceeded:table-elements");
}

#[test]
fn a_module_as_large_as_llvm() {
    // The compiler's threads are the process's, and would be late for everybody else.
    if !alone("sizes::a_module_as_large_as_llvm") {
        return;
    }
    let outcome =
        |limits: &[(&str, &str)]| shown(&Door::new().run(Ask::bytes(module(FUNCTIONS, 1, 1, 100_000), limits)).report.outcome);
    assert_eq!(outcome(&[("wall-time", "10m")]), "exited:0");
}
