//! What is left over from work in progress.

use super::Finding;
use crate::rust_source::{Token, tokens};

/// Macros that mark unfinished work.
const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];
/// Names of files that say nothing of what is in them.
const NAMELESS: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc"];

/// Checks a source file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let tokens = tokens(text);
    let mut findings = Vec::new();
    for (at, Token { line, text }) in tokens.iter().copied().enumerate() {
        let next = tokens.get(at + 1).map_or("", |token| token.text);
        if MACROS.contains(&text) && next == "!" {
            findings.push(Finding::new(path, line, format!("`{text}!` does not belong in finished code")));
        }
        if !opens_attribute(&tokens[..at]) {
            continue;
        }
        match text {
            "ignore" => findings.push(Finding::new(
                path,
                line,
                "a test that is ignored promises nothing; print a line beginning with `SKIPPED: `",
            )),
            "allow" if next == "(" => {
                findings.push(Finding::new(path, line, "write `#[expect(lint, reason = \"…\")]`, which ends when its reason does"));
            }
            _ => {}
        }
    }
    findings
}

/// Whether what follows `before` is an attribute's name, also after a condition: `#[`, `#![` or `#[cfg_attr(…,`.
fn opens_attribute(before: &[Token<'_>]) -> bool {
    let signs: Vec<&str> = before.iter().rev().take(3).map(|token| token.text).collect();
    match signs[..] {
        ["[", "#", ..] | ["[", "!", "#"] => true,
        [",", ..] => {
            let start = before.iter().rposition(|token| token.text == "#").unwrap_or(before.len());
            let attribute: Vec<&str> = before[start..].iter().map(|token| token.text).collect();
            attribute.contains(&"cfg_attr") && !attribute.contains(&"]")
        }
        _ => false,
    }
}

/// Checks a source file's name, and those of the directories it lies in.
pub(super) fn check_name(path: &str) -> Vec<Finding> {
    let names = path.strip_suffix(".rs").into_iter().flat_map(|path| path.split('/'));
    let nameless = names.filter(|name| NAMELESS.contains(name));
    nameless.map(|name| Finding::new(path, 1, format!("`{name}` says nothing of what is in it; name the idea"))).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn leftovers_are_found() {
        let check = |source: &str, lines: &[(usize, &str)]| expect(&check("crates/x/src/a.rs", source), lines);
        check("fn f() {\n    todo!()\n}", &[(2, "`todo!`")]);
        check("unimplemented!(\"x\"); dbg!(1)", &[(1, "`unimplemented!`"), (1, "`dbg!`")]);
        check("// todo!()\nlet todo = \"dbg!\";", &[]);
        check("#[test]\n#[ignore]\nfn f() {}", &[(2, "ignored")]);
        check("#[ignore = \"slow\"]", &[(1, "ignored")]);
        check("#[cfg_attr(miri, ignore)]", &[(1, "ignored")]);
        check("#[allow(dead_code)]", &[(1, "expect")]);
        check("#![allow(\n    dead_code\n)]", &[(1, "expect")]);
        check("#[cfg_attr(test, allow(x))]", &[(1, "expect")]);
        check("#[expect(dead_code, reason = \"allow(\")]\nlet x = [allow, ignore];", &[]);
        check("#[derive(A)] struct B { allow: u8 } f(a, allow(b));", &[]);
    }

    #[test]
    fn files_are_named_for_what_is_in_them() {
        expect(&check_name("crates/x/src/utils.rs"), &[(1, "`utils`")]);
        expect(&check_name("tests/common/mod.rs"), &[(1, "`common`")]);
        expect(&check_name("docs/common.md"), &[]);
        expect(&check_name("crates/x/src/commons.rs"), &[]);
    }
}
