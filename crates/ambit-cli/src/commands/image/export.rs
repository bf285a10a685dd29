//! `ambit export`

use std::path::PathBuf;

use ambit_store::{ImageReference, oci::Layout};
use clap::ValueHint;
use serde_json::json;

use super::{Common, Failed, status, stored};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit export localhost:5000/tool:1.0 -o tool.tar
  ambit export ghcr.io/team/tool:1.0 -o layout        # a directory, which may have other images already

What is written has the digests that it had. Exit status: 0; 1 if there is no such image, or it cannot be written; 125 Ambit failed.")]
pub(crate) struct Args {
    /// REGISTRY/PATH:TAG, or REGISTRY/PATH@sha256:…
    image: ImageReference,
    /// An OCI layout: an archive if it ends with .tar, a directory if not
    #[arg(long, short, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    output: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(export(args))
}

fn export(args: &Args) -> Result<u8, Failed> {
    let Args { image, output, common } = args;
    let store = common.open()?;
    let record = stored(&store, &common.store.namespace, image)?;
    let parts = store.image_parts(&record)?;
    let (module, _lease) = store.load(&record.module())?.into_parts();
    Layout::write(output, &parts, &module, Some(&record.reference()))?;
    let digest = record.manifest.digest;
    let value = json!({ "image": record.reference().to_string(), "digest": digest, "output": output });
    Ok(common.say(&value, &format!("{} is {digest} in {}", record.reference(), output.display()))?)
}
