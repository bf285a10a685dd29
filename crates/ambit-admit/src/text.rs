//! WebAssembly text, for people's convenience at a terminal.

use std::{borrow::Cow, path::Path};

use ambit_core::{RejectReason, Rejection, escape};

/// `bytes` as a binary module: text is converted, anything else is left as it is. `name` is what errors call the text.
///
/// For input of a person's own. The parser of the text format is not hardened and has no limits but a nesting of its own;
/// what comes out still has to be admitted.
///
/// # Errors
/// `invalid-module` if it is text that does not parse, with the place.
pub fn text<'b>(bytes: &'b [u8], name: &str) -> Result<Cow<'b, [u8]>, Rejection> {
    // A binary starts with NUL; only what starts like a text module is worth a parser's opinion.
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).map(|at| &bytes[at..]);
    if !start.is_some_and(|rest| rest.starts_with(b"(") || rest.starts_with(b";;")) {
        return Ok(Cow::Borrowed(bytes));
    }
    wat::Parser::new().parse_bytes(Some(Path::new(name)), bytes).map_err(|error| {
        let first = error.to_string();
        let lines: Vec<String> = first.lines().map(|line| escape(line, 200)).collect();
        Rejection::new(RejectReason::InvalidModule, format!("cannot read the text module: {}", lines.join("\n")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_converted_and_binary_is_not() {
        assert!(text(b"  (module)", "a.wat").expect("text").starts_with(b"\0asm"));
        assert!(text(b";; nothing\n(module)", "a.wat").expect("text").starts_with(b"\0asm"));
        for binary in [&b"\0asm\x01\0\0\0"[..], b"", b"\x7fELF", b"hello"] {
            assert!(matches!(text(binary, "a.wasm"), Ok(Cow::Borrowed(same)) if same == binary));
        }
        let error = text(b"(module (func (foo)))", "a.wat").expect_err("no such operator");
        assert!(
            error.message.contains("foo") && error.message.contains("a.wat:1:") && error.reason == RejectReason::InvalidModule,
            "{error}"
        );
    }
}
