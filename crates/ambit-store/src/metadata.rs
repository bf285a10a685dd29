//! What is said of a module by whoever stores it.

use std::str::FromStr;

use ambit_core::escape;
use semver::VersionReq;
use serde::{Deserialize, Serialize};

use crate::{
    name::{ModuleName, TagName},
    reference::ParseReferenceError,
};

/// Bytes of a description, and of an author's name or a licence.
const LONGEST_TEXT: usize = 4096;
const LONGEST_WORD: usize = 256;
/// As many dependencies, and labels.
const MOST: usize = 64;
/// With this label a module is never evicted.
pub(crate) const KEEP: &str = "keep";

/// What is said of a module. None of it is believed to say what the module does: `ambit inspect` reads that from the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// What it is for.
    pub description: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Under which licence it comes.
    pub license: Option<String>,
    /// Which other modules it needs, and in which versions.
    pub dependencies: Vec<Dependency>,
    /// Words to find it by; `keep` keeps it from being evicted.
    pub labels: Vec<TagName>,
    /// The lower, the sooner it is evicted.
    pub priority: i32,
}

/// A module that another needs: `name@^1.2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dependency {
    /// Its name.
    pub name: ModuleName,
    /// The versions that will do.
    pub versions: VersionReq,
}

impl FromStr for Dependency {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, versions) = text.split_once('@').unwrap_or((text, "*"));
        let refused = |_| ParseReferenceError::Version { text: escape(versions, 64) };
        Ok(Self { name: name.parse()?, versions: versions.parse().map_err(refused)? })
    }
}

impl std::fmt::Display for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name, self.versions)
    }
}

impl TryFrom<String> for Dependency {
    type Error = ParseReferenceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Dependency> for String {
    fn from(dependency: Dependency) -> Self {
        dependency.to_string()
    }
}

impl Metadata {
    /// What of it is more than there may be.
    pub(crate) fn excess(&self) -> Option<String> {
        let Self { description, author, license, dependencies, labels, priority: _ } = self;
        let long = |what: &str, text: &Option<String>, most: usize| {
            let length = text.as_ref().map_or(0, String::len);
            (length > most).then(|| format!("the {what} has {length} bytes; there may be {most}"))
        };
        let many = |what: &str, count: usize| (count > MOST).then(|| format!("there are {count} {what}; there may be {MOST}"));
        long("description", description, LONGEST_TEXT)
            .or_else(|| long("author", author, LONGEST_WORD))
            .or_else(|| long("licence", license, LONGEST_WORD))
            .or_else(|| many("dependencies", dependencies.len()))
            .or_else(|| many("labels", labels.len()))
    }

    /// Whether it is never to be evicted.
    pub(crate) fn is_kept(&self) -> bool {
        self.labels.iter().any(|label| label.as_str() == KEEP)
    }
}
