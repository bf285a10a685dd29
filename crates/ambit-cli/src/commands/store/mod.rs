//! `ambit store`

mod add;
mod ls;
mod point;
mod tend;

use std::time::{SystemTime, UNIX_EPOCH};

use ambit_core::ByteSize;
use ambit_store::{Namespace, Store, StoreError, StoreOptions};
use clap::Subcommand;

use crate::{output, store_args::StoreArgs};

/// Exit status where the store has not what was asked for, or will not do it.
pub(super) const NO: u8 = 1;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit store add minify.wasm tools/minify@1.2.0 --tag stable --license MIT
  ambit store ls
  ambit run tools/minify@^1 page.html
  ambit store info tools/minify:stable
  ambit store pin tools/minify@1.2.0
  ambit store gc --limit 2GiB
  ambit store fsck --repair

A module is named by its digest; names, versions, tags and aliases point at digests:
  sha256:…            the module itself
  NAME                its newest version that is no pre-release
  NAME@1.2.0          this version, which is never another module
  NAME@^1.2           the newest of these versions
  NAME:TAG            what the tag points at now

Exit status: 0; 1 if there is no such module, or fsck finds something that stays wrong; 125 if the store cannot be used.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What all verbs share.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// The store's directory [default: $XDG_DATA_HOME/ambit/store]
    #[arg(long, value_name = "DIR", env = "AMBIT_STORE", hide_env_values = true, global = true, value_hint = clap::ValueHint::DirPath)]
    store: Option<std::path::PathBuf>,
    /// Whose names they are
    #[arg(long, value_name = "NAME", default_value = Namespace::DEFAULT, env = "AMBIT_NAMESPACE", hide_env_values = true, global = true)]
    pub(super) namespace: Namespace,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what is in the store
    #[command(visible_alias = "list")]
    Ls(ls::LsArgs),
    /// Say all that is known of a module
    Info(ls::InfoArgs),
    /// Put a module in, once it is admitted
    Add(Box<add::Args>),
    /// Take a module out; whoever runs it goes on
    Rm(point::RmArgs),
    /// Keep a module from being evicted
    Pin(point::Wanted),
    /// Let it be evicted again
    Unpin(point::Wanted),
    /// Have NAME:TAG be this version
    Tag(point::TagArgs),
    /// Take a tag away
    Untag(point::UntagArgs),
    /// Have another name lead to a module
    Alias(point::AliasArgs),
    /// Take an alias away
    Unalias(point::UnaliasArgs),
    /// Remove what nobody knows, and what is beyond the limit
    Gc(tend::GcArgs),
    /// Read everything, and say what is wrong
    Fsck(tend::FsckArgs),
    /// Say what takes how much room
    Du,
}

pub(crate) fn run(args: Args) -> anyhow::Result<u8> {
    let Args { common, verb } = args;
    let done = match verb {
        Verb::Ls(args) => ls::ls(&common, &args),
        Verb::Info(args) => ls::info(&common, &args),
        Verb::Add(args) => add::run(&common, *args),
        Verb::Rm(args) => point::rm(&common, &args),
        Verb::Pin(wanted) => point::pin(&common, &wanted),
        Verb::Unpin(wanted) => point::unpin(&common, &wanted),
        Verb::Tag(args) => point::tag(&common, &args),
        Verb::Untag(args) => point::untag(&common, &args),
        Verb::Alias(args) => point::alias(&common, &args),
        Verb::Unalias(args) => point::unalias(&common, &args),
        Verb::Gc(args) => tend::gc(&common, &args),
        Verb::Fsck(args) => tend::fsck(&common, &args),
        Verb::Du => tend::du(&common),
    };
    told(done)
}

/// Says what the store has not, or will not do.
pub(super) fn told(done: anyhow::Result<u8>) -> anyhow::Result<u8> {
    match done.as_ref().map_err(anyhow::Error::downcast_ref::<StoreError>) {
        Err(Some(error @ (StoreError::NotFound { .. } | StoreError::Taken { .. } | StoreError::Refused(_)))) => {
            output::error(&error.full());
            Ok(NO)
        }
        _ => done,
    }
}

impl Common {
    pub(super) fn args(&self) -> StoreArgs {
        StoreArgs { store: self.store.clone(), namespace: self.namespace.clone() }
    }

    pub(super) fn open(&self) -> Result<Store, StoreError> {
        self.open_within(None)
    }

    fn open_within(&self, limit: Option<ByteSize>) -> Result<Store, StoreError> {
        Store::open(self.args().place()?, options(limit))
    }

    /// Says what was done, as JSON or to a person.
    pub(super) fn say(&self, value: &impl serde::Serialize, text: &str) -> anyhow::Result<u8> {
        if self.json {
            output::json(value)?
        } else {
            output::data(text)?
        }
        Ok(0)
    }
}

fn options(limit: Option<ByteSize>) -> StoreOptions {
    StoreOptions { limit: limit.map(ByteSize::get), ..StoreOptions::default() }
}

/// How long ago that was.
pub(crate) fn ago(at: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    let seconds = now.saturating_sub(at).max(0);
    let (count, unit) = match seconds {
        0..60 => return "just now".into(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// Bytes, for a person.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..10_000 => return format!("{bytes} B"),
        10_000..10_000_000 => (1 << 10, "KiB"),
        10_000_000..10_000_000_000 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    format!("{} {name}", bytes.div_ceil(unit))
}
