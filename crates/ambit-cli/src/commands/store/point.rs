//! What changes what points at modules: `rm`, `pin`, `unpin`, `tag`, `untag`, `alias`, `unalias`.

use ambit_store::{ModuleName, Reference, Select, TagName};
use serde_json::json;

use super::{Common, NO};
use crate::output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit store rm tools/minify@1.0.0\n  ambit store rm sha256:…")]
pub(super) struct RmArgs {
    /// NAME@VERSION, NAME:TAG, or sha256:…
    module: Reference,
    /// Remove it although another module needs it
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambit store pin tools/minify@1.2.0")]
pub(super) struct Wanted {
    /// NAME, NAME@VERSION, NAME:TAG, or sha256:…
    module: Reference,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambit store tag tools/minify@1.2.0 stable")]
pub(super) struct TagArgs {
    /// NAME@VERSION
    module: Reference,
    /// The tag
    tag: TagName,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambit store untag tools/minify:stable")]
pub(super) struct UntagArgs {
    /// NAME:TAG
    module: Reference,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambit store alias minify tools/minify@^1")]
pub(super) struct AliasArgs {
    /// The other name
    alias: ModuleName,
    /// What it leads to: NAME, NAME@VERSIONS, NAME:TAG, or sha256:…
    to: Reference,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambit store unalias minify")]
pub(super) struct UnaliasArgs {
    /// The other name
    alias: ModuleName,
}

pub(super) fn rm(common: &Common, args: &RmArgs) -> anyhow::Result<u8> {
    // Of a name without a version somebody might mean all.
    if let Reference::Named(name, Select::Newest) = &args.module {
        output::error(&format!("which version of `{name}`? `ambit store ls` lists them; {name}@VERSION is one"));
        return Ok(crate::commands::USAGE);
    }
    let (module, freed) = common.open()?.remove(&common.namespace, &args.module, args.force)?;
    let rest = if freed { "" } else { "; its bytes stay while they are known by another name, or run" };
    common.say(&json!({ "removed": module, "freed": freed }), &format!("removed {}{rest}", module.title()))
}

pub(super) fn pin(common: &Common, wanted: &Wanted) -> anyhow::Result<u8> {
    common.open()?.pin(&common.namespace, &wanted.module)?;
    common.say(&json!({ "pinned": true }), &format!("{} is pinned", wanted.module))
}

pub(super) fn unpin(common: &Common, wanted: &Wanted) -> anyhow::Result<u8> {
    let was = common.open()?.unpin(&common.namespace, &wanted.module)?;
    let text = if was { "is not pinned any more" } else { "was not pinned" };
    common.say(&json!({ "pinned": false, "was": was }), &format!("{} {text}", wanted.module))
}

pub(super) fn tag(common: &Common, args: &TagArgs) -> anyhow::Result<u8> {
    let TagArgs { module, tag } = args;
    common.open()?.tag(&common.namespace, module, tag)?;
    common.say(&json!({ "tag": tag, "module": module.to_string() }), &format!("tagged {module} as {tag}"))
}

pub(super) fn untag(common: &Common, args: &UntagArgs) -> anyhow::Result<u8> {
    let Reference::Named(name, Select::Tag(tag)) = &args.module else {
        output::error(&format!("`{}` has no tag: NAME:TAG has", args.module));
        return Ok(crate::commands::USAGE);
    };
    let was = common.open()?.untag(&common.namespace, name, tag)?;
    gone(common, was, &format!("the tag {}", args.module))
}

pub(super) fn alias(common: &Common, args: &AliasArgs) -> anyhow::Result<u8> {
    let AliasArgs { alias, to } = args;
    common.open()?.alias(&common.namespace, alias, to)?;
    common.say(&json!({ "alias": alias, "to": to.to_string() }), &format!("{alias} leads to {to}"))
}

pub(super) fn unalias(common: &Common, args: &UnaliasArgs) -> anyhow::Result<u8> {
    let was = common.open()?.unalias(&common.namespace, &args.alias)?;
    gone(common, was, &format!("the alias {}", args.alias))
}

fn gone(common: &Common, was: bool, what: &str) -> anyhow::Result<u8> {
    if !was {
        output::error(&format!("there was no such thing: {what}"));
        return Ok(NO);
    }
    common.say(&json!({ "removed": true }), &format!("removed {what}"))
}
