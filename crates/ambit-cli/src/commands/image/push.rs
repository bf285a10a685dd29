//! `ambit push`

use ambit_store::{ImageReference, oci::Registry};

use super::{Common, Failed, progress::Bar, status, stored};
use crate::registry_args::RegistryArgs;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit build -t localhost:5000/tool:1.0 tool.wasm && ambit push localhost:5000/tool:1.0
  ambit push --json ghcr.io/team/tool:1.0 | jq -r .digest

What the registry has is not sent again. Signatures that came with the image go along.
Exit status: 0; 1 if there is no such image, or the registry does not take it; 125 Ambit failed.")]
pub(crate) struct Args {
    /// An image of the store, REGISTRY/PATH:TAG; `ambit tag` gives one another name
    image: ImageReference,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(push(args))
}

fn push(args: &Args) -> Result<u8, Failed> {
    let Args { image, common, registry } = args;
    let store = common.open()?;
    let record = stored(&store, &common.store.namespace, image)?;
    let parts = store.image_parts(&record)?;
    let (module, _lease) = store.load(&record.module())?.into_parts();
    let mut registry = Registry::new(&image.repository, registry.options(&image.repository)?)?;
    let pushed = registry.push(image, &parts, &module, &mut Bar::default())?;
    let signed = if pushed.signed { ", with its signatures" } else { "" };
    Ok(common.say(&pushed, &format!("{image} is {} there now{signed}", pushed.digest))?)
}
