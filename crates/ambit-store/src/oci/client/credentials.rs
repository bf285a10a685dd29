//! Names and passwords, and where they come from. None of them is ever shown.

use std::{ffi::OsString, fmt, path::PathBuf};

use super::docker_config;
use crate::oci::error::OciError;

/// What a registry wants to know.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A name and a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// Something that tokens are given for.
    IdentityToken(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::IdentityToken(_) => "IdentityToken",
        })
    }
}

/// Where credentials come from: the first that has some. They are looked for when a registry asks for them, and not before.
#[derive(Debug, Clone, Default)]
pub struct CredentialSource {
    /// Given for this very registry.
    pub given: Option<Credentials>,
    /// Configuration files of Docker's and Podman's.
    pub files: Vec<PathBuf>,
}

impl CredentialSource {
    /// The files that Docker and Podman keep credentials in. `variable` looks up a variable of the environment.
    pub fn usual_files(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        let path = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        [
            path("REGISTRY_AUTH_FILE"),
            path("DOCKER_CONFIG").map(|dir| dir.join("config.json")),
            path("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")),
            path("HOME").map(|home| home.join(".docker/config.json")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Those for a registry, if there are any.
    pub(super) fn find(&self, registry: &str) -> Result<Option<Credentials>, OciError> {
        if let Some(given) = &self.given {
            return Ok(Some(given.clone()));
        }
        for file in &self.files {
            if let Some(found) = docker_config::find(file, registry)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
