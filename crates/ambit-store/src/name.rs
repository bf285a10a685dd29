//! What modules are called. A name is never a path: files are named by digests.

use std::{fmt, str::FromStr};

use ambit_core::escape;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {rule}")]
pub struct ParseNameError {
    text: String,
    what: &'static str,
    rule: &'static str,
}

/// A kind of name: text that was checked.
macro_rules! name {
    ($(#[$doc:meta])* $Name:ident, $what:literal, $rule:literal, $is_one:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(String);

        impl $Name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $Name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let is_one: fn(&str) -> bool = $is_one;
                let refused = || ParseNameError { text: escape(text, 64), what: $what, rule: $rule };
                if is_one(text) { Ok(Self(text.to_owned())) } else { Err(refused()) }
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $Name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $Name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// The name of a module, by the grammar that registries have for repositories: `tools/minify`, `example.org/team/tool`.
    ModuleName,
    "name of a module",
    "parts of lower-case letters and digits, joined by `.`, `_`, `__` or dashes, with `/` between them, at most 255 bytes",
    |text| text.len() <= 255 && text.split('/').all(is_part)
);

name!(
    /// A tag, by the grammar that registries have: `latest`, `v1.2`.
    TagName,
    "tag",
    "letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`, at most 128 bytes",
    |text| {
        let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        text.len() <= 128 && text.bytes().next().is_some_and(word) && text.bytes().all(|c| word(c) || c == b'.' || c == b'-')
    }
);

name!(
    /// Whose names they are: one tenant's are not another's.
    Namespace,
    "namespace",
    "lower-case letters and digits, joined by `.`, `_`, `__` or dashes, at most 64 bytes",
    |text| text.len() <= 64 && is_part(text)
);

impl Namespace {
    /// That of whoever has no other.
    pub const DEFAULT: &'static str = "default";
}

impl Default for Namespace {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_part(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = part.split(plain).filter(|between| !between.is_empty());
    let joined = |between: &str| matches!(between, "." | "_" | "__") || between.bytes().all(|c| c == b'-');
    part.starts_with(plain) && part.ends_with(plain) && separators.into_iter().all(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn st_005_names_are_of_one_grammar() {
        let check = |text: &str, good: bool| assert_eq!(text.parse::<ModuleName>().is_ok(), good, "{text:?}");
        for good in ["a", "a_b", "a/b", "a__b", "a--b", "a.b/c-d", "example.org/team/tool", "0"] {
            check(good, true);
        }
        for bad in [
            "", "A", "..", ".", "a/..", "a/", "/a", "a//b", "%2e%2e", "a___b", "a._b", "-a", "a-", "a b", "a\0b", "ａ", "а", "a@1",
            "a:b", "~", "a\n",
        ] {
            check(bad, false);
        }
        check(&"a".repeat(255), true);
        check(&"a".repeat(256), false);
        assert!("Latest-1.x_".parse::<TagName>().is_ok() && ".x".parse::<TagName>().is_err() && "".parse::<TagName>().is_err());
        assert!("team-a".parse::<Namespace>().is_ok() && "a/b".parse::<Namespace>().is_err());
        let error = "\u{1b}[2J".parse::<ModuleName>().expect_err("none").to_string();
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }
}
