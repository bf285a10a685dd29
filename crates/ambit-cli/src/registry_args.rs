//! How registries are spoken to.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use ambit_core::Span;
use ambit_store::{
    Repository,
    oci::{CredentialSource, Credentials, OciError, PullPolicy, RegistryOptions},
};
use clap::ValueHint;

/// The most bytes of a file with a password.
const LONGEST_PASSWORD: usize = 64 << 10;

/// Whether and how a registry is asked for a module that is named as an image.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PullArgs {
    /// When the registry of an image is asked: always, if-not-present, or never
    #[arg(long, value_name = "WHEN", env = "AMBIT_PULL", hide_env_values = true, default_value_t = PullPolicy::IfNotPresent, help_heading = "Registry")]
    pub(crate) pull: PullPolicy,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// How registries are spoken to.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Registry")]
pub(crate) struct RegistryArgs {
    /// Who we are to the registry; see --registry-password-file. Without, credentials are those of `docker login` and `podman login`, or
    /// AMBIT_REGISTRY_USER and AMBIT_REGISTRY_PASSWORD if AMBIT_REGISTRY names the registry
    #[arg(long, value_name = "NAME", requires = "registry_password_file")]
    registry_user: Option<String>,
    /// A file with the password; on the command line everybody on the machine could read it
    #[arg(long, value_name = "FILE", requires = "registry_user", value_hint = ValueHint::FilePath)]
    registry_password_file: Option<PathBuf>,
    /// Certificates, PEM, of authorities that are believed beside the machine's own
    #[arg(long, value_name = "FILE", env = "AMBIT_REGISTRY_CA", hide_env_values = true, value_hint = ValueHint::FilePath)]
    registry_ca: Option<PathBuf>,
    /// Speak to this registry without TLS: everybody on the way sees and can change what is said. On loopback that is done anyway
    #[arg(long, value_name = "HOST", env = "AMBIT_REGISTRY_PLAIN_HTTP", hide_env_values = true, value_delimiter = ',')]
    registry_plain_http: Vec<String>,
    /// Let the registry send us to this host, wherever it is. Others are gone to with TLS, and on public addresses only
    #[arg(long, value_name = "HOST", env = "AMBIT_REGISTRY_ALLOW_HOST", hide_env_values = true, value_delimiter = ',')]
    registry_allow_host: Vec<String>,
    /// Let this host, which gives tokens for the registry, have the credentials; the registry may send us there too, wherever it is
    #[arg(long, value_name = "HOST", env = "AMBIT_REGISTRY_AUTH_HOST", hide_env_values = true, value_delimiter = ',')]
    registry_auth_host: Vec<String>,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", env = "AMBIT_REGISTRY_TIMEOUT", hide_env_values = true, default_value = "10m")]
    registry_timeout: Span,
}

impl RegistryArgs {
    /// All of it, for one repository.
    pub(crate) fn options(&self, repository: &Repository) -> Result<RegistryOptions, OciError> {
        let given = match (&self.registry_user, &self.registry_password_file) {
            (Some(user), Some(file)) => Some(Credentials::Password { user: user.clone(), password: password(file)? }),
            _ => from_environment(repository.registry()),
        };
        let files = CredentialSource::usual_files(|name| std::env::var_os(name));
        Ok(RegistryOptions {
            plain_http: self.registry_plain_http.clone(),
            authorities: self.registry_ca.clone(),
            allow_hosts: self.registry_allow_host.clone(),
            auth_hosts: self.registry_auth_host.clone(),
            credentials: CredentialSource { given, files },
            total: self.registry_timeout.duration(),
            ..RegistryOptions::default()
        })
    }
}

#[cfg(test)]
impl Default for PullArgs {
    fn default() -> Self {
        let registry = RegistryArgs {
            registry_user: None,
            registry_password_file: None,
            registry_ca: None,
            registry_plain_http: Vec::new(),
            registry_allow_host: Vec::new(),
            registry_auth_host: Vec::new(),
            registry_timeout: Span::secs(1),
        };
        Self { pull: PullPolicy::Never, registry }
    }
}

/// Those of the environment are for the registry that it names, and for no other.
fn from_environment(registry: &str) -> Option<Credentials> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("AMBIT_REGISTRY").filter(|named| named == registry)?;
    let (user, password) = (variable("AMBIT_REGISTRY_USER")?, variable("AMBIT_REGISTRY_PASSWORD")?);
    Some(Credentials::Password { user, password })
}

fn password(file: &Path) -> Result<String, OciError> {
    let failed = |why: String| OciError::Credentials { from: format!("`{}`", file.display()), why };
    let mut text = String::new();
    let read = fs::File::open(file).and_then(|file| file.take(LONGEST_PASSWORD as u64 + 1).read_to_string(&mut text));
    read.map_err(|error| failed(error.to_string()))?;
    if text.len() > LONGEST_PASSWORD {
        return Err(failed(format!("it has more than {LONGEST_PASSWORD} bytes")));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
