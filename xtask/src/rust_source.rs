//! Rust source as far as checks need it: its words and signs, without comments and literals.

/// A word or a sign of Rust source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// The line it stands on, from 1.
    pub(crate) line: usize,
    /// A whole word (identifier, keyword or number), or one sign.
    pub(crate) text: &'a str,
}

/// The tokens of `source` that are neither in comments nor in string or character literals.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            '\'' => character(rest),
            _ if is_word(first) => {
                let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                match literal_after(&rest[..word], &rest[word..]) {
                    Some(literal) => word + literal,
                    None => {
                        found.push(Token { line, text: &rest[..word] });
                        word
                    }
                }
            }
            _ => {
                if !first.is_whitespace() {
                    found.push(Token { line, text: &rest[..first.len_utf8()] });
                }
                first.len_utf8()
            }
        };
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a literal that `word` is the prefix of, as in `b"…"`, `r#"…"#` and `b'…'`.
fn literal_after(word: &str, rest: &str) -> Option<usize> {
    match word {
        "b" | "c" if rest.starts_with('"') => Some(quoted(rest)),
        "b" if rest.starts_with('\'') => Some(character(rest)),
        "r" | "br" | "cr" => {
            let hashes = rest.find(|c| c != '#').filter(|&at| rest[at..].starts_with('"'))?;
            let end = format!("\"{}", "#".repeat(hashes));
            let body = hashes + 1;
            Some(rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len()))
        }
        _ => None,
    }
}

/// The length of a string literal that starts here.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal, or of the mark of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            let body = chars.nth(1).map_or(rest.len(), |(at, _)| at);
            rest[body..].find('\'').map_or(rest.len(), |end| body + end + 1)
        }
        Some(_) => chars.next().filter(|&(_, c)| c == '\'').map_or(1, |(at, _)| at + 1),
        None => 1,
    }
}

/// The length of a block comment that starts here; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let tail = &rest[at..];
        if tail.starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if tail.starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
        } else if let Some(c) = tail.chars().next() {
            at += c.len_utf8();
        } else {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_left_out() {
        let check = |source: &str, expect: &[&str]| {
            assert_eq!(tokens(source).iter().map(|token| token.text).collect::<Vec<_>>(), expect, "{source}");
        };
        check("a // b\nc", &["a", "c"]);
        check("a /* b /* c */ d */ e", &["a", "e"]);
        check(r#"f("a \" b", x)"#, &["f", "(", ",", "x", ")"]);
        check(r##"r#"a " b"# c"##, &["c"]);
        check(r#"r"\" b"#, &["b"]);
        check(r#"b"a" c"b" br"c" d"#, &["d"]);
        check("'a' '\\'' '\\u{1F600}' '\\n' b'x' y", &["y"]);
        check("fn f<'a>(x: &'a str)", &["fn", "f", "<", "a", ">", "(", "x", ":", "&", "a", "str", ")"]);
        check("r#type = 1", &["r", "#", "type", "=", "1"]);
        check("'\u{e9}' z \"", &["z"]);
    }

    #[test]
    fn lines_are_counted() {
        let lines: Vec<usize> = tokens("a\n\"x\ny\" b /*\n*/ c").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 4]);
    }
}
