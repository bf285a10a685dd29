//! `ambit tag`

use ambit_store::{
    ImageReference, PutImage, Reference,
    oci::{About, package},
};

use super::{Common, Failed, status, stored};
use crate::commands::read_module::rules_to_keep;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit tag localhost:5000/tool:1.0 ghcr.io/team/tool:1.0
  ambit tag tools/minify@1.2.0 localhost:5000/minify:1.2.0    # a module of the store becomes an image

What runs the image goes on with what it has. Exit status: 0; 1 if there is no such image or module; 125 Ambit failed.")]
pub(crate) struct Args {
    /// An image, REGISTRY/PATH:TAG; or a module of the store, NAME@VERSION
    image: String,
    /// What it is to be known as: REGISTRY/PATH:TAG
    name: ImageReference,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(tag(args))
}

fn tag(args: &Args) -> Result<u8, Failed> {
    let Args { image, name, common } = args;
    let store = common.open()?;
    let record = match image.parse::<ImageReference>() {
        Ok(image) => store.tag_image(&stored(&store, &common.store.namespace, &image)?, name)?,
        Err(no_image) => {
            let module = image.parse::<Reference>().map_err(|_| anyhow::Error::from(no_image))?;
            let module = store.resolve(&common.store.namespace, &module)?.record;
            let (bytes, _lease) = store.load(&module)?.into_parts();
            let verified = ambit_admit::admit(bytes, &rules_to_keep()).map_err(ambit_store::oci::OciError::from)?;
            let about = About {
                title: module.called.as_ref().map(|called| called.name.to_string()),
                version: module.called.as_ref().map(|called| called.version.to_string()),
                description: module.metadata.description,
                authors: module.metadata.author,
                licenses: module.metadata.license,
                ..About::default()
            };
            let parts = package(&verified, &about)?;
            let resolved = ambit_core::Digest::of(&parts.manifest);
            let namespace = common.store.namespace.clone();
            store.put_image(PutImage { namespace: &namespace, reference: name, resolved, parts: &parts, module: &verified })?
        }
    };
    Ok(common.say(&record, &format!("{name} is {}", record.resolved))?)
}
