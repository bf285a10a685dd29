//! How a module in a store is asked for.

use std::{fmt, str::FromStr};

use ambit_core::{Digest, escape};
use semver::{Version, VersionReq};

use crate::name::{ModuleName, ParseNameError, TagName};

/// `sha256:…`, `name`, `name@1.2.3`, `name@^1.2`, `name:tag`, `name@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The module itself, whatever it is called.
    Digest(Digest),
    /// One of those that have this name.
    Named(ModuleName, Select),
}

/// Which of those that have a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// The newest version that is no pre-release; if all are, the newest of those.
    Newest,
    /// This version.
    Version(Version),
    /// The newest version that these allow.
    Versions(VersionReq),
    /// What the tag points at.
    Tag(TagName),
    /// This very module, if it has the name.
    Digest(Digest),
}

/// Text that asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseReferenceError {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] ParseNameError),
    /// It begins like a digest.
    #[error("`{text}` is no digest: one is `sha256:` and 64 lower-case hex digits")]
    Digest {
        /// What it is.
        text: String,
    },
    /// What follows `@` is no version.
    #[error("`{text}` is neither a version (1.2.3), nor versions (^1.2), nor a digest")]
    Version {
        /// What it is.
        text: String,
    },
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(digest) = text.parse() {
            return Ok(Self::Digest(digest));
        }
        // Not a tag of something that is called so.
        if text.starts_with("sha256:") {
            return Err(ParseReferenceError::Digest { text: escape(text, 80) });
        }
        if let Some((name, version)) = text.split_once('@') {
            return Ok(Self::Named(name.parse()?, version.parse()?));
        }
        match text.split_once(':') {
            Some((name, tag)) => Ok(Self::Named(name.parse()?, Select::Tag(tag.parse()?))),
            None => Ok(Self::Named(text.parse()?, Select::Newest)),
        }
    }
}

impl FromStr for Select {
    type Err = ParseReferenceError;

    /// What may follow `@`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(version) = text.parse() {
            return Ok(Self::Version(version));
        }
        if let Ok(digest) = text.parse() {
            return Ok(Self::Digest(digest));
        }
        text.parse().map(Self::Versions).map_err(|_| ParseReferenceError::Version { text: escape(text, 64) })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Named(name, Select::Newest) => name.fmt(f),
            Self::Named(name, Select::Version(version)) => write!(f, "{name}@{version}"),
            Self::Named(name, Select::Versions(versions)) => write!(f, "{name}@{versions}"),
            Self::Named(name, Select::Tag(tag)) => write!(f, "{name}:{tag}"),
            Self::Named(name, Select::Digest(digest)) => write!(f, "{name}@{digest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let digest = Digest::of(b"x").to_string();
        let same = |text: &str| assert_eq!(text.parse::<Reference>().expect("one").to_string(), text);
        for text in [digest.as_str(), "a/b", "a@1.2.3", "a@^1.2", "a@>=1, <2", "a:latest", &format!("a@{digest}")] {
            same(text);
        }
        assert_eq!("a@1.2".parse::<Reference>().expect("one").to_string(), "a@^1.2");
        for bad in ["", "A", "a@", "a@one", "a@1.2.3.4", "a:", "a:b:c", "@1", "sha256:00", "../a", "./a", "/a"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }
}
