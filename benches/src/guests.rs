//! Guests that are measured.

use std::{fs, path::PathBuf};

use wasm_encoder::{CodeSection, ExportKind, ExportSection, Function, FunctionSection, Instruction, Module, TypeSection, ValType};

/// A shipped guest, such as `bin/hello.wasm`.
///
/// # Panics
/// There is no such file.
pub fn guest(path: &str) -> Vec<u8> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../guests")).join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// A module of `count` functions of about `size` bytes of ordinary arithmetic, control flow and memory access each.
pub fn functions(count: u32, size: usize) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    let (mut declared, mut code, mut exports) = (FunctionSection::new(), CodeSection::new(), ExportSection::new());
    for index in 0..count {
        declared.function(0);
        let mut body = Function::new([(4, ValType::I32)]);
        while body.byte_len() < size {
            let step = i32::try_from(body.byte_len()).unwrap_or(0);
            for instruction in [
                Instruction::LocalGet(0),
                Instruction::I32Const(step),
                Instruction::I32Add,
                Instruction::LocalTee(1),
                Instruction::If(wasm_encoder::BlockType::Empty),
                Instruction::LocalGet(1),
                Instruction::I32Const(3),
                Instruction::I32Mul,
                Instruction::LocalSet(2),
                Instruction::End,
            ] {
                body.instruction(&instruction);
            }
        }
        if index > 0 {
            body.instruction(&Instruction::LocalGet(2));
            body.instruction(&Instruction::Call(index - 1));
        } else {
            body.instruction(&Instruction::LocalGet(2));
        }
        body.instruction(&Instruction::End);
        code.function(&body);
    }
    exports.export("f", ExportKind::Func, 0);
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&exports).section(&code);
    module.finish()
}

/// About 20 MB of code in functions of ordinary size.
pub fn large_module() -> Vec<u8> {
    functions(40_000, 500)
}
