//! From a name to an image that is kept: by policy, from the store or from a registry.

use ambit_admit::AdmitRules;
use ambit_core::Digest;
use serde::Serialize;

use super::{
    client::{Progress, PullPolicy, Registry, RegistryOptions},
    cosign,
    error::OciError,
    fetch::Fetched,
};
use crate::{
    image_name::{ImageReference, ImageSelect},
    image_record::{ImageRecord, Part},
    name::Namespace,
    reference::Reference,
    sign::CosignSignature,
    store::{PutImage, Store},
};

/// An image that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose it is to be.
    pub namespace: &'a Namespace,
    /// What it is called.
    pub image: &'a ImageReference,
    /// Whether its registry is asked.
    pub policy: PullPolicy,
    /// What a module that is kept has to pass.
    pub rules: &'a AdmitRules,
}

/// An image that is here.
#[derive(Debug, Clone, Serialize)]
pub struct Obtained {
    /// What is known of it.
    #[serde(flatten)]
    pub record: ImageRecord,
    /// Whether its registry was asked.
    pub asked: bool,
    /// What the name led to before, if that was something else.
    pub before: Option<Digest>,
    /// Signatures that came with it. None of them was looked at.
    #[serde(skip)]
    pub cosign: Vec<CosignSignature>,
    /// Why there may be others.
    pub unsigned: Option<String>,
}

/// Has an image in the store, by policy. What a registry gives is admitted before any of it is kept.
///
/// # Errors
/// It is not here, and the policy asks nobody; or the registry has it not, or lies; or the module is not admitted; or the store failed.
pub fn obtain(
    store: &Store,
    wanted: Wanted<'_>,
    options: RegistryOptions,
    progress: &mut dyn Progress,
) -> Result<Obtained, OciError> {
    let Wanted { namespace, image, policy, rules } = wanted;
    let here = store.image(namespace, image)?;
    // One of which something is missing is not here, where it can be had again.
    let here = match (policy, here) {
        (PullPolicy::IfNotPresent, Some(record)) if !store.has_all_of(&record)? => None,
        (_, here) => here,
    };
    match (policy, here) {
        (PullPolicy::IfNotPresent | PullPolicy::Never, Some(record)) => {
            let signature = store.image_parts(&record)?.signature;
            let cosign = signature.as_ref().map_or(Ok(Vec::new()), cosign::signatures)?;
            Ok(Obtained { record, asked: false, before: None, cosign, unsigned: None })
        }
        (PullPolicy::Never, None) => Err(OciError::NotHere { image: image.to_string() }),
        (PullPolicy::Always | PullPolicy::IfNotPresent, here) => {
            let most = rules.module_size.ceiling();
            let mut registry = Registry::new(&image.repository, RegistryOptions { most_module: most, ..options })?;
            let pulled = registry.pull(image, &|part| held(store, namespace, part), progress)?;
            let unsigned = pulled.image.unsigned.clone();
            let record = keep(store, namespace, image, pulled.image, rules)?;
            let before = here.map(|here| here.resolved).filter(|before| *before != record.resolved);
            Ok(Obtained { record, asked: true, before, cosign: pulled.cosign, unsigned })
        }
    }
}

/// Keeps an image that was fetched, once its module is admitted.
///
/// # Errors
/// It is to be known by a digest that it has not; the module is not admitted; or the store failed.
pub fn keep(
    store: &Store,
    namespace: &Namespace,
    reference: &ImageReference,
    image: Fetched,
    rules: &AdmitRules,
) -> Result<ImageRecord, OciError> {
    let Fetched { resolved, manifest, parts, module, unsigned: _ } = image;
    if let ImageSelect::Digest(asked) = reference.select
        && asked != resolved
        && asked != manifest
    {
        return Err(OciError::DigestMismatch { what: reference.to_string(), asked, found: resolved });
    }
    let module = ambit_admit::admit(module, rules)?;
    Ok(store.put_image(PutImage { namespace, reference, resolved, parts: &parts, module: &module })?)
}

/// A module that this namespace has. What others have is not given for its name: a registry could name anything.
fn held(store: &Store, namespace: &Namespace, part: Part) -> Option<Vec<u8>> {
    let module = store.resolve(namespace, &Reference::Digest(part.digest)).ok()?.record;
    // One that is damaged is asked for.
    let (bytes, _lease) = store.load(&module).ok()?.into_parts();
    Some(bytes)
}
