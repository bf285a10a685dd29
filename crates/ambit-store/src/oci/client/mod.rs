//! The client of registries: the distribution API of the Open Container Initiative.
//!
//! A registry is not trusted. What it may do is to give what was asked for by digest, or to refuse; whom it may send us to, and with
//! what, is decided in `hop.rs` and `address.rs`.

mod address;
mod auth;
mod challenge;
mod credentials;
mod docker_config;
mod exchange;
mod hop;
mod pull;
mod push;
mod retry;

use std::{path::PathBuf, time::Duration};

pub use self::{
    credentials::{CredentialSource, Credentials},
    exchange::Registry,
    pull::{PullPolicy, Pulled},
    push::Pushed,
    retry::Backoff,
};

/// How registries are spoken to.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Registries, `host` or `host:port`, that are spoken to without TLS although they are not on this machine.
    pub plain_http: Vec<String>,
    /// A file of certificates, PEM, of authorities that are believed beside the machine's own. Registries on this machine are spoken to
    /// with TLS if there is one.
    pub authorities: Option<PathBuf>,
    /// Hosts that a registry may send us to wherever they are.
    pub allow_hosts: Vec<String>,
    /// Hosts that may be given credentials in exchange for a token.
    pub auth_hosts: Vec<String>,
    /// Where credentials come from.
    pub credentials: CredentialSource,
    /// How long all of it may take.
    pub total: Duration,
    /// How long there may be silence.
    pub idle: Duration,
    /// The most bytes of a module.
    pub most_module: u64,
    /// How often something is tried again, and after how long.
    pub backoff: Backoff,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            plain_http: Vec::new(),
            authorities: None,
            allow_hosts: Vec::new(),
            auth_hosts: Vec::new(),
            credentials: CredentialSource::default(),
            total: Duration::from_secs(600),
            idle: Duration::from_secs(30),
            most_module: 256 << 20,
            backoff: Backoff::default(),
        }
    }
}

/// Who is told how far something is.
pub trait Progress {
    /// Something begins that has so many bytes.
    fn begins(&mut self, what: &str, bytes: u64);
    /// So many of them are there.
    fn is_at(&mut self, bytes: u64);
    /// It is done, or has failed.
    fn ends(&mut self);
}

/// Nobody is told.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Progress for Quiet {
    fn begins(&mut self, _what: &str, _bytes: u64) {}

    fn is_at(&mut self, _bytes: u64) {}

    fn ends(&mut self) {}
}
