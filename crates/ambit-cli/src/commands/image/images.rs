//! `ambit images`

use ambit_store::ImageRecord;

use super::{Common, Failed, status};
use crate::{
    commands::store::{ago, size},
    output, table,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit images\n  ambit images --json | jq -r '.[].resolved'")]
pub(crate) struct Args {
    /// Whole digests
    #[arg(long)]
    long: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(images(args))
}

fn images(args: &Args) -> Result<u8, Failed> {
    let Args { long, common } = args;
    let images = common.open()?.images(&common.store.namespace)?;
    if common.json {
        output::json(&images)?;
        return Ok(0);
    }
    let short = |digest: ambit_core::Digest| if *long { digest.to_string() } else { digest.to_string()[..19].to_owned() };
    let row = |image: &ImageRecord| {
        vec![
            image.repository.to_string(),
            image.tag.as_ref().map_or_else(|| "-".into(), ToString::to_string),
            short(image.resolved),
            short(image.module.digest),
            size(image.module.size),
            ago(image.added_at),
            image.signature.as_ref().map_or_else(String::new, |signature| {
                // The configuration is one of them.
                format!("{} signatures", signature.blobs.len().saturating_sub(1))
            }),
        ]
    };
    let rows: Vec<Vec<String>> = images.iter().map(row).collect();
    table::print(&["REPOSITORY", "TAG", "DIGEST", "MODULE", "SIZE", "ADDED", ""], &rows)?;
    Ok(0)
}
