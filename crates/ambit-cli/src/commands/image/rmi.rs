//! `ambit rmi`

use ambit_store::ImageReference;
use serde_json::json;

use super::{Common, Failed, status};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit rmi localhost:5000/tool:1.0
  ambit rmi ghcr.io/team/tool@sha256:…

What runs it goes on. Exit status: 0; 1 if there is no such image; 125 Ambit failed.")]
pub(crate) struct Args {
    /// REGISTRY/PATH:TAG, or REGISTRY/PATH@sha256:…
    image: ImageReference,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(rmi(args))
}

fn rmi(args: &Args) -> Result<u8, Failed> {
    let Args { image, common } = args;
    let (removed, freed) = common.open()?.remove_image(&common.store.namespace, image)?;
    let rest = if freed { "" } else { "; its module stays while it is known by another name, or runs" };
    Ok(common.say(&json!({ "removed": removed, "freed": freed }), &format!("removed {}{rest}", removed.reference()))?)
}
