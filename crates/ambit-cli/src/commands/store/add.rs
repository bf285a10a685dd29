//! `ambit store add`

use std::path::PathBuf;

use ambit_core::{ByteSize, Outcome};
use ambit_store::{Add, Called, Dependency, Metadata, Reference, Select, TagName};
use clap::ValueHint;

use super::{Common, NO, size};
use crate::{
    commands::{outcome_text, read_module},
    output,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit store add minify.wasm tools/minify@1.2.0
  ambit store add app.wasm team/app@0.3.1 --tag live --depends tools/minify@^1 --label keep
  ambit store add plugin.wasm                   # by its digest alone

Said again of the same version, what is said of it is replaced. The module of a version stays.")]
pub(super) struct Args {
    /// The module: a file, binary or text, or - for stdin
    #[arg(value_hint = ValueHint::FilePath)]
    module: PathBuf,
    /// What it is called: NAME@VERSION
    name: Option<Reference>,
    /// Have NAME:TAG be this version
    #[arg(long, value_name = "TAG")]
    tag: Vec<TagName>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Who made it
    #[arg(long, value_name = "TEXT")]
    author: Option<String>,
    /// Under which licence it comes
    #[arg(long, value_name = "TEXT")]
    license: Option<String>,
    /// A module that it needs: NAME@VERSIONS
    #[arg(long, value_name = "NAME@VERSIONS")]
    depends: Vec<Dependency>,
    /// A word to find it by; `keep` keeps it from being evicted
    #[arg(long, value_name = "LABEL")]
    label: Vec<TagName>,
    /// The lower, the sooner it is evicted
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// Evict what was used least lately, so that all modules together have at most so many bytes
    #[arg(long, value_name = "SIZE", env = "AMBIT_STORE_LIMIT")]
    limit: Option<ByteSize>,
}

pub(super) fn run(common: &Common, args: Args) -> anyhow::Result<u8> {
    let Args { module, name, tag, description, author, license, depends, label, priority, limit } = args;
    let called = match name {
        None => None,
        Some(Reference::Named(name, Select::Version(version))) => Some(Called { name, version }),
        Some(other) => {
            output::error(&format!("`{other}` is no name with one version, such as tools/minify@1.2.0"));
            return Ok(crate::commands::USAGE);
        }
    };
    let admitted = match read_module::read(&module, &read_module::rules_to_keep()) {
        Ok(admitted) => admitted,
        Err(rejection) => {
            let outcome = Outcome::Rejected(rejection);
            output::error(&outcome_text::describe(&outcome));
            return Ok(outcome.exit_status());
        }
    };
    let metadata = Metadata { description, author, license, dependencies: depends, labels: label, priority };
    let store = common.open_within(limit)?;
    for dependency in &metadata.dependencies {
        let wanted = Reference::Named(dependency.name.clone(), Select::Versions(dependency.versions.clone()));
        if store.resolve(&common.namespace, &wanted).is_err() {
            output::error(&format!("it needs `{dependency}`, which is not in the store: `ambit store add` that first"));
            return Ok(NO);
        }
    }
    let added = store.add(&admitted, Add { namespace: common.namespace.clone(), called, tags: tag, metadata })?;
    let record = &added.record;
    let known = if added.new { "" } else { ", which was there already" };
    let text = format!("{} is {}, {} as stored{known}", record.title(), record.digest, size(record.compressed_size));
    let text = if record.called.is_some() { text } else { format!("{}{known}", record.digest) };
    common.say(&added, &text)
}
