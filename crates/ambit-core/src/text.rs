//! Text that came from a guest, made safe to show.

use std::fmt::{self, Write};

/// `bytes` as one line of at most `cap` bytes: control characters, bidirectional overrides and invalid UTF-8 are
/// written as escapes, and what is cut off is counted.
///
/// Guest text reaches terminals, logs and pages; unescaped it can move the cursor, forge a log line or reverse what
/// follows it.
pub fn escape(bytes: impl AsRef<[u8]>, cap: usize) -> String {
    escaped(bytes.as_ref(), cap, push_char)
}

/// Text that somebody says is escaped already, as one line of at most `cap` bytes: what is not is escaped, and what is stays as
/// it is.
pub fn escape_again(text: &str, cap: usize) -> String {
    escaped(text.as_bytes(), cap, |out, c| if c == '\\' { out.push(c) } else { push_char(out, c) })
}

/// What can be shown, as [`escape`] has it, of which no more is ever written than that: types refer to each other, and written out
/// a small one is gigabytes.
pub fn escape_shown(what: impl fmt::Display, cap: usize) -> String {
    let mut start = Start { text: String::new(), cap };
    match write!(start, "{what}") {
        Ok(()) => escape(start.text, cap),
        Err(fmt::Error) => fitting(start.text.as_bytes(), cap, push_char).0 + "…",
    }
}

/// Text up to a cap, and an error beyond.
struct Start {
    text: String,
    cap: usize,
}

impl fmt::Write for Start {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let fits = more.floor_char_boundary(self.cap - self.text.len());
        self.text.push_str(&more[..fits]);
        if fits == more.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

fn escaped(bytes: &[u8], cap: usize, push: impl Fn(&mut String, char)) -> String {
    match fitting(bytes, cap, push) {
        (text, 0) => text,
        (text, rest) => format!("{text}… ({rest} more bytes)"),
    }
}

/// As much as fits the cap, and how many bytes do not.
fn fitting(bytes: &[u8], cap: usize, push: impl Fn(&mut String, char)) -> (String, usize) {
    let mut out = String::new();
    let mut read = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let start = out.len();
            push(&mut out, c);
            if out.len() > cap {
                out.truncate(start);
                return (out, bytes.len() - read);
            }
            read += c.len_utf8();
        }
        for byte in chunk.invalid() {
            let start = out.len();
            let _ = write!(out, "\\x{byte:02x}");
            if out.len() > cap {
                out.truncate(start);
                return (out, bytes.len() - read);
            }
            read += 1;
        }
    }
    (out, 0)
}

/// Marks of direction, joiners, and what has no width or looks like nothing.
pub(crate) fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn push_char(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c.is_control() || is_deceptive(c) => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_moves_or_forges() {
        let check = |input: &[u8], expect: &str| assert_eq!(escape(input, 100), expect);
        check(b"plain text", "plain text");
        check(b"a\nb\r\tc", "a\\nb\\r\\tc");
        check(b"\x1b[2J", "\\u{1b}[2J");
        check(b"\xff\xfe", "\\xff\\xfe");
        check("é\u{202e}x".as_bytes(), "é\\u{202e}x");
        check(b"\\n", "\\\\n");
    }

    #[test]
    fn what_is_escaped_stays_as_it_is() {
        let once = escape(b"a\nb\\ \x1b\xff", 100);
        assert_eq!(escape_again(&once, 100), once);
        assert_eq!(escape_again("a\nb", 100), "a\\nb");
        assert_eq!(escape_again("aaaaaa", 3), "aaa… (3 more bytes)");
    }

    #[test]
    fn caps_and_counts() {
        assert_eq!(escape(vec![b'a'; 1000], 10), "aaaaaaaaaa… (990 more bytes)");
        assert_eq!(escape([0xff; 5], 8), "\\xff\\xff… (3 more bytes)");
        assert_eq!(escape("ééé", 4), "éé… (2 more bytes)");
    }

    #[test]
    fn what_is_shown_is_written_no_further_than_that() {
        /// Would go on for ever.
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                std::iter::repeat("é\n").try_for_each(|text| f.write_str(text))
            }
        }
        assert_eq!(escape_shown(Endless, 8), "é\\né\\n…");
        assert_eq!(escape_shown("é\n", 100), "é\\n");
    }
}
