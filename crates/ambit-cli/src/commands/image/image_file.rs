//! What is said of a module in a directory that is built into an image: `image.toml`.

use std::{collections::BTreeMap, fs, path::Path};

use ambit_store::oci::{About, OciError};
use serde::Deserialize;

/// The file, beside the module.
pub(super) const FILE: &str = "image.toml";
/// The most bytes of it.
const LONGEST: usize = 64 << 10;

/// What is said of a module.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ImageFile {
    /// The module's file, from the directory; where there is one `.wasm` file alone, it is that.
    pub(super) module: Option<String>,
    /// A name for people.
    title: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// Who made it.
    authors: Option<String>,
    /// Under which licence it comes, as an SPDX expression.
    licenses: Option<String>,
    /// Its version.
    version: Option<String>,
    /// Where its source is.
    source: Option<String>,
    /// Where more is said of it.
    url: Option<String>,
    /// More to be said of it.
    annotations: BTreeMap<String, String>,
}

impl ImageFile {
    /// Reads it, if the directory has one.
    pub(super) fn of(dir: &Path) -> Result<Self, OciError> {
        let path = dir.join(FILE);
        let refused = |why: String| OciError::Refused { what: format!("`{}`", path.display()), why };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(OciError::File { what: "read", path, source }),
        };
        if text.len() > LONGEST {
            return Err(refused(format!("it has more than {LONGEST} bytes")));
        }
        toml::from_str(&text).map_err(|error| refused(error.to_string()))
    }

    /// What of it goes into the image.
    pub(super) fn about(self) -> About {
        let Self { module: _, title, description, authors, licenses, version, source, url, annotations } = self;
        About { title, description, authors, licenses, version, source, url, annotations, created: 0 }
    }
}
