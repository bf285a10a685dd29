//! Images: `build`, `pull`, `push`, `tag`, `images`, `rmi`, `export`, `import`.

pub(crate) mod build;
pub(crate) mod export;
pub(crate) mod image_file;
pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod progress;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod rmi;
pub(crate) mod tag;

use ambit_core::Outcome;
use ambit_store::{ImageRecord, ImageReference, Namespace, Store, StoreError, StoreOptions, oci::OciError};

use super::outcome_text;
use crate::{output, store_args::StoreArgs};

/// Exit status where there is no such image, or it is not taken.
const NO: u8 = 1;

/// What all verbs share.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    store: StoreArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Common {
    fn open(&self) -> Result<Store, StoreError> {
        Store::open(self.store.place()?, StoreOptions::default())
    }

    /// Says what was done, as JSON or to a person.
    fn say(&self, value: &impl serde::Serialize, text: &str) -> anyhow::Result<u8> {
        if self.json {
            output::json(value)?
        } else {
            output::data(text)?
        }
        Ok(0)
    }
}

/// The exit status of a verb: what is about an image is not a failure of our own.
fn status(done: Result<u8, Failed>) -> anyhow::Result<u8> {
    match done {
        Ok(status) => Ok(status),
        Err(Failed::Image(OciError::Rejected(rejection))) => {
            let outcome = Outcome::Rejected(rejection);
            output::error(&outcome_text::describe(&outcome));
            Ok(outcome.exit_status())
        }
        Err(Failed::Image(OciError::Store(error))) if !is_about_an_image(&error) => Err(error.into()),
        Err(Failed::Image(error)) => {
            output::error(&error.full());
            Ok(NO)
        }
        Err(Failed::Other(error)) => Err(error),
    }
}

fn is_about_an_image(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NotFound { .. } | StoreError::Taken { .. } | StoreError::Refused(_) | StoreError::DigestMismatch { .. }
    )
}

/// Why a verb did not do it.
enum Failed {
    /// It is about an image.
    Image(OciError),
    /// It is a failure of our own.
    Other(anyhow::Error),
}

impl From<OciError> for Failed {
    fn from(error: OciError) -> Self {
        Self::Image(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Image(error.into())
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// An image of the store.
fn stored(store: &Store, namespace: &Namespace, image: &ImageReference) -> Result<ImageRecord, OciError> {
    let near = "; `ambit images` lists images, `ambit pull` pulls one".into();
    let missing = || StoreError::NotFound { what: image.to_string(), near };
    Ok(store.image(namespace, image)?.ok_or_else(missing)?)
}
