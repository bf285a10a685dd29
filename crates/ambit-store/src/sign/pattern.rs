//! Of which names something holds.

use std::{fmt, str::FromStr};

use ambit_core::escape;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::SignError;
use crate::{image_name::Repository, name::ModuleName};

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
        // Only what a name can be: another would bind nothing, and nobody would know.
        let plain = |text: &str| text.parse::<ModuleName>().is_ok() || text.parse::<Repository>().is_ok();
        let registry = |text: &str| text.parse::<Repository>().is_ok() || format!("{text}/x").parse::<Repository>().is_ok();
        let good = match text.strip_suffix("/*") {
            _ if text == "*" => true,
            Some(above) => plain(above) || registry(above),
            None => plain(text),
        };
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
        check("localhost:5000/*", &["localhost:5000/a"], &["localhost/a"]);
        let digest = format!("sha256:{}", "0".repeat(64));
        let long = "a".repeat(256);
        for bad in ["", "/*", "/a", "a*", "a/*/b", "**", "A", "a b", "a\n", "a/", "a//b", "tools/a:live", "a@1.0.0", &digest, &long]
        {
            assert!(bad.parse::<NamePattern>().is_err(), "{bad:?}");
        }
    }
}
