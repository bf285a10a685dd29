//! What a guest may reach at all. Nothing is granted that is not named.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{UnknownName, names},
    outcome::{RejectReason, Rejection},
    size::ByteSize,
    text::escape,
};

/// What a guest may reach. The default is nothing: no arguments, no environment, no input, no files, no network.
///
/// Grants are resolved to descriptors before the guest exists and cannot widen afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Grants {
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// Environment variables as name and value, in order.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Stdin,
    /// Directories.
    pub dirs: Vec<DirGrant>,
    /// A private, empty, writable `/tmp` of at most this size, gone after the run.
    pub tmp: Option<ByteSize>,
    /// Clocks.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
    /// Outgoing connections.
    pub net: Vec<NetGrant>,
    /// Addresses to listen on.
    pub listen: Vec<String>,
    /// Outgoing HTTP requests.
    pub http: Vec<String>,
    /// Key-value buckets.
    pub kv: Vec<String>,
    /// Configuration values.
    pub config: Vec<(String, String)>,
    /// Names of secrets.
    pub secrets: Vec<String>,
    /// The structured logging interface.
    pub logging: bool,
    /// The metrics interface.
    pub metrics: bool,
    /// Host functions of the embedder's, by the names of the grants it registered them under.
    pub functions: Vec<String>,
}

names! {
    /// The kinds of grant.
    GrantKey, "grant";
    /// Arguments.
    Args = "args",
    /// Environment variables.
    Env = "env",
    /// Standard input.
    Stdin = "stdin",
    /// Directories.
    Dirs = "dirs",
    /// A private `/tmp`.
    Tmp = "tmp",
    /// A clock finer than `coarse`.
    Clock = "clock",
    /// The operating system's random numbers.
    Random = "random",
    /// Outgoing connections.
    Net = "net",
    /// Listening.
    Listen = "listen",
    /// Outgoing HTTP.
    Http = "http",
    /// Key-value storage.
    Kv = "kv",
    /// Configuration values.
    Config = "config",
    /// Secrets.
    Secrets = "secrets",
    /// Structured logging.
    Logging = "logging",
    /// Metrics.
    Metrics = "metrics",
    /// Host functions of the embedder's.
    Functions = "functions",
}

/// Where standard input comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stdin {
    /// There is none: reading gives end of file.
    #[default]
    None,
    /// The caller's own.
    Inherit,
    /// A file, opened before the guest exists.
    File(PathBuf),
}

/// What may be done in a granted directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Files may be read and listed.
    #[default]
    ReadOnly,
    /// Files may also be made, written, renamed and removed.
    ReadWrite,
}

/// A directory of the host at a path of the guest's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirGrant {
    /// The directory on the host.
    pub host: PathBuf,
    /// Its path as the guest sees it.
    pub guest: String,
    /// What may be done in it.
    pub access: Access,
}

/// An outgoing network grant: `host:port` or `cidr:port`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetGrant(pub String);

names! {
    /// Which clock a guest sees.
    Clock, "clock";
    /// The host's clocks.
    Real = "real",
    /// The host's clocks, rounded down to a millisecond.
    Coarse = "coarse",
    /// Clocks that stand at 2000-01-01 and advance by a fixed step at each reading.
    Fixed = "fixed",
}

impl Default for Clock {
    /// No finer clock than asked for: fine clocks make timing attacks cheap.
    fn default() -> Self {
        Clock::Coarse
    }
}

/// Where random numbers come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Random {
    /// The operating system.
    #[default]
    Os,
    /// A reproducible generator with this seed: never for secrets.
    Seeded(u64),
}

/// Text that is not a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseGrantError {
    /// Not the form `HOST:GUEST[:ro|rw]`.
    #[error("`{0}` is not a directory grant; write HOST:GUEST, or HOST:GUEST:rw to allow writing")]
    Dir(String),
    /// Neither `ro` nor `rw`.
    #[error("`{0}`: the access `{1}` is neither `ro` nor `rw`")]
    Access(String, String),
    /// An option that only a jailed worker can give.
    #[error("`{0}`: a size for a directory (`{1}`) cannot be enforced; limit what a guest writes with `disk`, or use `--tmp SIZE`")]
    Size(String, String),
    /// The guest's path is empty or holds a NUL.
    #[error("`{0}`: the guest's path must not be empty")]
    GuestPath(String),
}

impl FromStr for DirGrant {
    type Err = ParseGrantError;

    /// `HOST:GUEST`, `HOST:GUEST:ro` or `HOST:GUEST:rw`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let (Some(host), Some(guest)) = (parts.next(), parts.next()) else {
            return Err(ParseGrantError::Dir(text.into()));
        };
        if host.is_empty() {
            return Err(ParseGrantError::Dir(text.into()));
        }
        if guest.is_empty() || guest.contains('\0') {
            return Err(ParseGrantError::GuestPath(text.into()));
        }
        let mut access = Access::ReadOnly;
        for option in parts {
            access = match option {
                "ro" => Access::ReadOnly,
                "rw" => Access::ReadWrite,
                size if size.starts_with("size=") => return Err(ParseGrantError::Size(text.into(), size.into())),
                other => return Err(ParseGrantError::Access(text.into(), other.into())),
            };
        }
        Ok(Self { host: host.into(), guest: guest.into(), access })
    }
}

impl fmt::Display for DirGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::ReadOnly => "ro",
            Access::ReadWrite => "rw",
        };
        write!(f, "{}:{}:{access}", self.host.display(), self.guest)
    }
}

impl FromStr for Random {
    type Err = UnknownName;

    /// `os`, or a seed.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse()) {
            ("os", _) => Ok(Random::Os),
            (_, Ok(seed)) => Ok(Random::Seeded(seed)),
            _ => Err(UnknownName::new("source of random numbers", text, ["os", "a whole number as seed"].into_iter())),
        }
    }
}

impl Grants {
    /// As many directories can be granted: each is a descriptor that is passed to the guest's process.
    pub const MOST_DIRS: usize = 100;

    /// Whether they make sense together: each directory has a name of its own, and no text holds a NUL, at which whoever reads it
    /// would stop without a word.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<(), Rejection> {
        let refuse = |message: String| Err(Rejection::new(RejectReason::Policy, message));
        if let Some(arg) = self.args.iter().find(|arg| arg.contains('\0')) {
            return refuse(format!("the argument `{}` holds a NUL, which no argument can", escape(arg, 64)));
        }
        if self.dirs.len() > Self::MOST_DIRS {
            return refuse(format!("{} directories are granted; at most {} can be", self.dirs.len(), Self::MOST_DIRS));
        }
        for (i, dir) in self.dirs.iter().enumerate() {
            let again = self.dirs[..i].iter().any(|other| other.guest == dir.guest);
            if again || (self.tmp.is_some() && dir.guest == "/tmp") {
                return refuse(format!("two directories are granted as `{}`", escape(&dir.guest, 128)));
            }
        }
        Ok(())
    }

    /// The kinds of grant that are given here.
    pub fn given(&self) -> impl Iterator<Item = GrantKey> {
        // Destructured in full: a new grant does not compile until it is listed.
        let Grants {
            args,
            env,
            stdin,
            dirs,
            tmp,
            clock,
            random,
            net,
            listen,
            http,
            kv,
            config,
            secrets,
            logging,
            metrics,
            functions,
        } = self;
        let _ = random;
        [
            (!args.is_empty()).then_some(GrantKey::Args),
            (!env.is_empty()).then_some(GrantKey::Env),
            (*stdin != Stdin::None).then_some(GrantKey::Stdin),
            (!dirs.is_empty()).then_some(GrantKey::Dirs),
            tmp.is_some().then_some(GrantKey::Tmp),
            (*clock == Clock::Real).then_some(GrantKey::Clock),
            (!net.is_empty()).then_some(GrantKey::Net),
            (!listen.is_empty()).then_some(GrantKey::Listen),
            (!http.is_empty()).then_some(GrantKey::Http),
            (!kv.is_empty()).then_some(GrantKey::Kv),
            (!config.is_empty()).then_some(GrantKey::Config),
            (!secrets.is_empty()).then_some(GrantKey::Secrets),
            logging.then_some(GrantKey::Logging),
            metrics.then_some(GrantKey::Metrics),
            (!functions.is_empty()).then_some(GrantKey::Functions),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_read_only_unless_said() {
        let check = |text: &str, expect: Result<&str, &str>| {
            let parsed = text.parse::<DirGrant>();
            let shown = parsed.as_ref().map(ToString::to_string).map_err(ToString::to_string);
            match expect {
                Ok(expect) => assert_eq!(shown.as_deref(), Ok(expect), "{text}"),
                Err(part) => assert!(shown.as_ref().is_err_and(|error| error.contains(part)), "{text}: {shown:?}"),
            }
        };
        check("/a:/b", Ok("/a:/b:ro"));
        check(".:/w:rw", Ok(".:/w:rw"));
        check("/a", Err("HOST:GUEST"));
        check(":/b", Err("HOST:GUEST"));
        check("/a:", Err("must not be empty"));
        check("/a:/b:x", Err("neither `ro` nor `rw`"));
        check("/a:/b:rw:size=1MiB", Err("cannot be enforced"));
    }

    #[test]
    fn nothing_is_given_by_default() {
        assert_eq!(Grants::default().given().count(), 0);
    }
}
