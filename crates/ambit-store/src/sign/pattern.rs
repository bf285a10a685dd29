//! Of which names something holds.

use std::{fmt, str::FromStr};

use ambit_core::escape;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::SignError;

const LONGEST: usize = 255;

/// Names: `*` for everything, also what has no name; `tools/*` for what lies below; `tools/minify` for that alone. A name is a module's,
/// or an image's repository with its host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern(String);

impl NamePattern {
    /// That of everything.
    pub fn everything() -> Self {
        Self("*".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it holds of this name.
    pub fn holds_of(&self, name: Option<&str>) -> bool {
        match (self.0.as_str(), name) {
            ("*", _) => true,
            (_, None) => false,
            (pattern, Some(name)) => match pattern.strip_suffix('*') {
                Some(above) => name.starts_with(above),
                None => pattern == name,
            },
        }
    }
}

impl FromStr for NamePattern {
    type Err = SignError;

    fn from_str(text: &str) -> Result<Self, SignError> {
        let plain = |text: &str| {
            let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._:/-".contains(&c);
            !text.is_empty() && text.bytes().all(good) && !text.starts_with('/')
        };
        let good = text == "*" || plain(text.strip_suffix("/*").unwrap_or(text));
        if good && text.len() <= LONGEST {
            return Ok(Self(text.to_owned()));
        }
        let rule = "one is a name, or `tools/*` for what lies below, or `*` for everything";
        Err(SignError::Pattern(format!("`{}` is no pattern of names: {rule}", escape(text, 64))))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_holds_of_names_and_of_nothing_that_looks_like_them() {
        let check = |pattern: &str, holds: &[&str], not: &[&str]| {
            let pattern: NamePattern = pattern.parse().expect("one");
            holds.iter().for_each(|name| assert!(pattern.holds_of(Some(name)), "{pattern} {name}"));
            not.iter().for_each(|name| assert!(!pattern.holds_of(Some(name)), "{pattern} {name}"));
        };
        check("*", &["a", "a/b"], &[]);
        check("tools/*", &["tools/a", "tools/a/b"], &["tools", "toolsa", "tool/a", "x/tools/a"]);
        check("tools/minify", &["tools/minify"], &["tools/minify2", "tools", "tools/minify/x"]);
        check("localhost:5000/a/*", &["localhost:5000/a/b"], &["localhost:5001/a/b"]);
        assert!(NamePattern::everything().holds_of(None) && !NamePattern("a".into()).holds_of(None));
        for bad in ["", "/*", "/a", "a*", "a/*/b", "**", "A", "a b", "a\n", &"a".repeat(256)] {
            assert!(bad.parse::<NamePattern>().is_err(), "{bad:?}");
        }
    }
}
