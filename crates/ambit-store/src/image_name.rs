//! What images are called: `registry/path:tag`, `registry/path@sha256:…`.

use std::{fmt, str::FromStr};

use ambit_core::{Digest, escape};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::name::{ModuleName, TagName};

/// The most bytes of a registry's name and port.
const LONGEST_REGISTRY: usize = 255;
/// The tag of whoever names none.
const LATEST: &str = "latest";

/// Where images of one name are: `ghcr.io/team/tool`, `localhost:5000/tool`.
///
/// The registry is always named: a word without one is the name of a module in the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    registry: String,
    path: ModuleName,
}

/// Which image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageReference {
    /// Where it is.
    pub repository: Repository,
    /// Which of those that are there.
    pub select: ImageSelect,
}

/// Which image of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ImageSelect {
    /// What the tag points at.
    Tag(TagName),
    /// This very one. A tag that stands before it says nothing.
    Digest(Digest),
}

/// Text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no image: {why}")]
pub struct ParseImageError {
    text: String,
    why: String,
}

impl Repository {
    /// The registry: a host, and maybe a port.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry.
    pub fn path(&self) -> &ModuleName {
        &self.path
    }
}

impl ImageReference {
    /// Whether a word is meant as the name of an image: what stands before its first `/` has a dot or a colon, or is `localhost`.
    pub fn is_meant_by(word: &str) -> bool {
        let host = word.split_once('/').map(|(host, _)| host);
        host.is_some_and(|host| (is_registry(host)) && (host == "localhost" || host.contains(['.', ':'])))
    }
}

/// `host`, `host:port`, `1.2.3.4`, `[::1]:port`
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (None, port.strip_prefix(':').or((!port.is_empty()).then_some("")))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        },
    };
    let is_label = |label: &str| {
        let inner = label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    // In one spelling: credentials and images are looked up by it.
    let port_is_one =
        port.is_none_or(|port| !port.starts_with('0') && port.bytes().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok());
    text.len() <= LONGEST_REGISTRY && host.is_none_or(|host| host.split('.').all(is_label)) && port_is_one
}

impl FromStr for Repository {
    type Err = ParseImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why: String| ParseImageError { text: escape(text, 80), why };
        if !ImageReference::is_meant_by(text) {
            return Err(refused(
                "before its first `/` stands a registry, with a dot or a port: ghcr.io/team/tool, localhost:5000/tool".into(),
            ));
        }
        let (registry, path) = text.split_once('/').ok_or_else(|| refused("it has no path".into()))?;
        let path = path.parse().map_err(|error: crate::name::ParseNameError| refused(error.to_string()))?;
        Ok(Self { registry: registry.to_owned(), path })
    }
}

impl FromStr for ImageReference {
    type Err = ParseImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why: String| ParseImageError { text: escape(text, 80), why };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse::<Digest>().map_err(|error| refused(error.to_string()))?)),
            None => (text, None),
        };
        // A colon before the last `/` is that of a port.
        let (name, tag) = match name.rsplit_once(':') {
            Some((before, tag)) if !tag.contains('/') => (before, Some(tag)),
            _ => (name, None),
        };
        let tag = tag.unwrap_or(LATEST).parse::<TagName>().map_err(|error| refused(error.to_string()))?;
        let repository = name.parse()?;
        Ok(Self { repository, select: digest.map_or(ImageSelect::Tag(tag), ImageSelect::Digest) })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.select {
            ImageSelect::Tag(tag) => write!(f, "{}:{tag}", self.repository),
            ImageSelect::Digest(digest) => write!(f, "{}@{digest}", self.repository),
        }
    }
}

impl Serialize for Repository {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Repository {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_registry_names_an_image() {
        let digest = Digest::of(b"x");
        let check = |text: &str, expect: &str| assert_eq!(text.parse::<ImageReference>().expect(text).to_string(), expect);
        check("localhost:5000/tool:1.0", "localhost:5000/tool:1.0");
        check("localhost/tool", "localhost/tool:latest");
        check("ghcr.io/team/tool", "ghcr.io/team/tool:latest");
        check("127.0.0.1:5000/a/b:x", "127.0.0.1:5000/a/b:x");
        check("[::1]:5000/a:x", "[::1]:5000/a:x");
        check(&format!("ghcr.io/a@{digest}"), &format!("ghcr.io/a@{digest}"));
        check(&format!("ghcr.io/a:1@{digest}"), &format!("ghcr.io/a@{digest}"));
        for bad in [
            "tool",
            "tools/tool:1",
            "tools/tool",
            "./tool",
            "../a.b/tool",
            "/tool",
            "ghcr.io/",
            "ghcr.io",
            "GHCR.io/a",
            "ghcr.io/A",
            "ghcr.io/a:",
            "ghcr.io/a@1.0.0",
            "ghcr.io/a@sha256:00",
            "a..b/c",
            "a.b:0/c",
            "a.b:05000/c",
            "a.b:99999/c",
            "a.b:x/c",
            "u@a.b/c",
            "[::1/c",
            "[x]:1/c",
            "[::1]5000/a",
            "a.b/c?d",
            "a.b/c/../d",
            "a.b/%2e%2e",
            "-a.b/c",
        ] {
            assert!(bad.parse::<ImageReference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn other_words_are_meant_otherwise() {
        for word in ["tools/minify", "tool:latest", "./a.wasm", "../a/b", "/a.b/c", "a.wasm", "sha256:00/x"] {
            let meant = ImageReference::is_meant_by(word);
            assert!(!meant, "{word}");
        }
    }
}
