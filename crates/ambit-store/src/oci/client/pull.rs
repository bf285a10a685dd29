//! From a registry to an image.

use std::{fmt, io::Read, str::FromStr};

use ambit_core::{Digest, escape};
use ureq::http::{StatusCode, Uri, header};

use super::{
    Progress,
    exchange::{Failure, Question, Registry},
};
use crate::{
    image_name::{ImageReference, ImageSelect},
    image_record::Part,
    oci::{
        cosign,
        error::OciError,
        fetch::{self, Came, Fetched, Origin},
        manifest::MOST_MANIFEST,
        media,
    },
    sign::CosignSignature,
};

/// What a registry says that the digest of a manifest is.
const CONTENT_DIGEST: &str = "docker-content-digest";
/// As many bytes are read at a time, and at most taken on trust before there are any.
const CHUNK: usize = 64 << 10;
const RESERVED: u64 = 64 << 20;

/// Whether a registry is asked for what may be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    /// It is, each time: what a tag points at may be something else by now.
    Always,
    /// It is if the image is not here.
    IfNotPresent,
    /// It is never.
    Never,
}

/// An image, as a registry gave it: all of it is what was asked for, and nobody has looked into the module yet.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The image.
    pub image: Fetched,
    /// Signatures that came with it. None of them was looked at.
    pub cosign: Vec<CosignSignature>,
}

impl FromStr for PullPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "always" => Ok(Self::Always),
            "if-not-present" => Ok(Self::IfNotPresent),
            "never" => Ok(Self::Never),
            _ => Err("there are `always`, `if-not-present` and `never`".into()),
        }
    }
}

impl fmt::Display for PullPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "always",
            Self::IfNotPresent => "if-not-present",
            Self::Never => "never",
        })
    }
}

/// The registry, and what of the image is here already.
struct Asking<'a> {
    registry: &'a mut Registry,
    have: &'a dyn Fn(Part) -> Option<Vec<u8>>,
    progress: &'a mut dyn Progress,
}

impl Registry {
    /// Pulls an image. A tag is looked up once; from then on everything is asked for by its digest. `have` gives blobs that are here.
    ///
    /// # Errors
    /// The registry has it not, or does not let us, or lies, or takes too long; or it is no image of a module.
    pub fn pull(
        &mut self,
        image: &ImageReference,
        have: &dyn Fn(Part) -> Option<Vec<u8>>,
        progress: &mut dyn Progress,
    ) -> Result<Pulled, OciError> {
        let what = format!("the manifest of {image}");
        let (at, asked) = match &image.select {
            ImageSelect::Tag(tag) => (tag.to_string(), None),
            ImageSelect::Digest(digest) => (digest.to_string(), Some(*digest)),
        };
        let Some(top) = self.manifest_at(&what, &at, asked, media::ACCEPT, MOST_MANIFEST)? else {
            let near = "; `ambit images` lists those that are here";
            return Err(OciError::NotFound { registry: self.name.clone(), what: format!("image {image}"), near });
        };
        let most = self.options.most_module;
        let image = fetch::fetch(&mut Asking { registry: self, have, progress }, &image.to_string(), top, most)?;
        let cosign = image.parts.signature.as_ref().map_or(Ok(Vec::new()), cosign::signatures)?;
        Ok(Pulled { image, cosign })
    }

    /// A manifest, if there is one. It has the digest that was asked for, and that which the registry says.
    fn manifest_at(
        &mut self,
        what: &str,
        at: &str,
        asked: Option<Digest>,
        accept: &str,
        most: u64,
    ) -> Result<Option<Came>, OciError> {
        let to = self.address(&format!("manifests/{at}"))?;
        let question = Question::get(what, to).with(header::ACCEPT, accept);
        self.persist(what, |registry| {
            let reply = registry.ask_once(&question)?;
            match reply.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND => return Ok(None),
                _ => return Err(registry.refused(what, reply).into()),
            }
            let header = |name: &str| reply.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let media_type = header("content-type").map(|value| media::bare(&value).to_owned());
            let said = header(CONTENT_DIGEST);
            let bytes = registry.read(what, &question.to, reply, most)?;
            let found = Digest::of(&bytes);
            // Digests of another kind say nothing that could be checked here.
            let said = match said.filter(|said| said.starts_with("sha256:")) {
                Some(said) => Some(
                    said.parse()
                        .map_err(|_| OciError::refused(what, format!("its digest is said to be `{}`", escape(said, 80))))?,
                ),
                None => None,
            };
            for asked in asked.into_iter().chain(said) {
                if asked != found {
                    return Err(OciError::DigestMismatch { what: what.to_owned(), asked, found }.into());
                }
            }
            Ok(Some(Came { bytes, media_type }))
        })
    }

    /// A blob, from where it was cut off, if it was.
    fn blob_at(&mut self, what: &str, part: Part, progress: &mut dyn Progress) -> Result<Vec<u8>, OciError> {
        let to = self.address(&format!("blobs/{}", part.digest))?;
        let mut bytes = Vec::with_capacity(usize::try_from(part.size.min(RESERVED)).unwrap_or(0));
        progress.begins(what, part.size);
        let done = self.persist(what, |registry| registry.rest_of(what, &to, part, &mut bytes, progress));
        progress.ends();
        done.map(|()| bytes)
    }

    /// What is missing of a blob. What there is of it stays, should it be cut off.
    fn rest_of(
        &mut self,
        what: &str,
        to: &Uri,
        part: Part,
        bytes: &mut Vec<u8>,
        progress: &mut dyn Progress,
    ) -> Result<(), Failure> {
        let length = |found: String| OciError::Length { what: what.to_owned(), said: part.size, found };
        let mut question = Question::get(what, to.clone());
        if !bytes.is_empty() {
            question = question.with(header::RANGE, format!("bytes={}-", bytes.len()));
        }
        let reply = self.ask_once(&question)?;
        match reply.status() {
            // All of it, whatever there was.
            StatusCode::OK => bytes.clear(),
            StatusCode::PARTIAL_CONTENT if begins_at(reply.headers(), bytes.len(), part.size) => {}
            StatusCode::PARTIAL_CONTENT => {
                return Err(OciError::refused(what, "it came from another place than was asked for").into());
            }
            _ => return Err(self.refused(what, reply).into()),
        }
        let missing = part.size - bytes.len() as u64;
        if let Some(said) = reply.body().content_length().filter(|said| *said != missing) {
            return Err(length(format!("{} are to come", said.saturating_add(bytes.len() as u64))).into());
        }
        // One byte more shows that there are more; nobody waits for those.
        let mut reader = reply.into_body().into_reader().take(missing.saturating_add(1));
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = reader.read(&mut chunk).map_err(|error| self.failed(what, to, error.into()))?;
            bytes.extend_from_slice(&chunk[..read]);
            let so_far = bytes.len() as u64;
            if so_far > part.size {
                bytes.clear();
                return Err(length("there are more".into()).into());
            }
            progress.is_at(so_far);
            if read == 0 {
                let found = format!("{so_far} came");
                return if so_far == part.size { Ok(()) } else { Err(Failure { error: length(found), again: Some(None) }) };
            }
        }
    }
}

impl Origin for Asking<'_> {
    fn manifest(&mut self, what: &str, digest: Digest, most: u64) -> Result<Came, OciError> {
        let registry = self.registry.name.clone();
        let missing = || OciError::NotFound { registry, what: what.to_owned(), near: ", which it lists" };
        self.registry.manifest_at(what, &digest.to_string(), Some(digest), media::ACCEPT, most)?.ok_or_else(missing)
    }

    fn blob(&mut self, what: &str, part: Part) -> Result<Vec<u8>, OciError> {
        match (self.have)(part) {
            Some(bytes) => Ok(bytes),
            None => self.registry.blob_at(what, part, self.progress),
        }
    }

    fn signatures(&mut self, what: &str, of: Digest, most: u64) -> Result<Option<Came>, OciError> {
        self.registry.manifest_at(what, &cosign::tag(of), None, media::MANIFEST, most)
    }
}

/// Whether what comes is the rest of so many bytes, from here on.
fn begins_at(headers: &ureq::http::HeaderMap, from: usize, size: u64) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range == Some(&format!("bytes {from}-{}/{size}", size.saturating_sub(1)))
}
