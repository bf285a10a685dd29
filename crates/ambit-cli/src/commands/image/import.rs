//! `ambit import`

use std::path::PathBuf;

use ambit_store::{
    ImageReference,
    oci::{Layout, Named, OciError, keep},
};
use clap::ValueHint;

use super::{Common, Failed, status};
use crate::{commands::read_module::rules_to_keep, output};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit import tool.tar
  ambit import layout localhost:5000/tool:1.0      # the only image of the layout, under this name
  ambit import --replace tool.tar                   # although images here have its names

Every byte is checked against its digest, and modules are admitted before they are kept.
Exit status: 0; 1 if it has no such image, or it is not what it should be; 126 if a module is not admitted; 125 Ambit failed.")]
pub(crate) struct Args {
    /// An OCI layout: a directory, or an archive of one
    #[arg(value_hint = ValueHint::AnyPath)]
    layout: PathBuf,
    /// What its image is to be known as, if it has one; without, all that have names are imported
    name: Option<ImageReference>,
    /// Take names from images that have them now
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(import(args))
}

fn import(args: &Args) -> Result<u8, Failed> {
    let Args { layout: path, name, replace, common } = args;
    let what = format!("the layout `{}`", path.display());
    let refused = |why: String| OciError::Refused { what: what.clone(), why };
    let mut layout = Layout::open(path)?;
    let wanted: Vec<(Named, ImageReference)> = match (name, layout.images()) {
        (Some(name), images) => {
            let [image] = <[Named; 1]>::try_from(images)
                .map_err(|images| refused(format!("it has {} images, and one name was given", images.len())))?;
            vec![(image, name.clone())]
        }
        (None, images) => images.into_iter().filter_map(|image| Some((image.clone(), image.reference?))).collect(),
    };
    if wanted.is_empty() {
        return Err(refused("none of its images has a name: say one, REGISTRY/PATH:TAG".into()).into());
    }
    let (store, namespace, rules) = (common.open()?, common.store.namespace.clone(), rules_to_keep());
    // What an archive calls its images is its maker's choice.
    for (image, name) in &wanted {
        if let Some(there) = store.image(&namespace, name)?.filter(|there| !*replace && there.resolved != image.digest) {
            return Err(refused(format!(
                "`{name}` is {} here, and {} there; --replace has it be that",
                there.resolved, image.digest
            ))
            .into());
        }
    }
    let mut records = Vec::new();
    for (image, name) in wanted {
        let fetched = layout.fetch(&image, rules.module_size.ceiling())?;
        records.push(keep(&store, &namespace, &name, fetched, &rules)?);
    }
    if common.json {
        output::json(&records)?;
        return Ok(0);
    }
    for record in &records {
        output::data(&format!("{} is {}", record.reference(), record.resolved))?;
    }
    Ok(0)
}
