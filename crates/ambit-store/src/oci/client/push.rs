//! From an image to a registry.

use std::cell::RefCell;

use ambit_core::{Digest, escape};
use serde::Serialize;
use ureq::http::{Method, StatusCode, header};

use super::{
    Progress,
    exchange::{Failure, Question, Registry},
    hop::{Way, join},
};
use crate::{
    image_name::{ImageReference, ImageSelect},
    image_record::Part,
    oci::{cosign, error::OciError, manifest::Document},
    store::{ImageParts, SignatureParts},
};

/// What a registry says that the digest of a manifest is.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The digest of its manifest: what was pushed can be asked for by it.
    pub digest: Digest,
    /// Blobs that were sent.
    pub sent: u64,
    /// Blobs that were there.
    pub there: u64,
    /// Whether signatures went along.
    pub signed: bool,
}

impl Registry {
    /// Pushes an image: what the registry has not, then the manifest, then signatures.
    ///
    /// # Errors
    /// The registry does not let us, or fails, or says that it has something else.
    pub fn push(
        &mut self,
        image: &ImageReference,
        parts: &ImageParts,
        module: &[u8],
        progress: &mut dyn Progress,
    ) -> Result<Pushed, OciError> {
        self.actions = "pull,push";
        let ImageParts { manifest, config, signature } = parts;
        let at = match &image.select {
            ImageSelect::Tag(tag) => tag.to_string(),
            ImageSelect::Digest(digest) if *digest == Digest::of(manifest) => digest.to_string(),
            ImageSelect::Digest(digest) => {
                let why = format!("its manifest is {}", Digest::of(manifest));
                return Err(OciError::refused(format!("pushing it as {digest}"), why));
            }
        };
        let mut pushed = Pushed { digest: Digest::of(manifest), sent: 0, there: 0, signed: signature.is_some() };
        let blobs = [(format!("the module of {image}"), module), (format!("the configuration of {image}"), config)];
        for (what, bytes) in blobs {
            self.put_blob(&what, bytes, &mut pushed, progress)?;
        }
        self.put_manifest(&format!("the manifest of {image}"), &at, manifest)?;
        if let Some(SignatureParts { of, manifest, blobs }) = signature {
            let what = format!("the signatures of {image}");
            for bytes in blobs {
                self.put_blob(&what, bytes, &mut pushed, progress)?;
            }
            self.put_manifest(&what, &cosign::tag(*of), manifest)?;
        }
        Ok(pushed)
    }

    fn put_blob(&mut self, what: &str, bytes: &[u8], pushed: &mut Pushed, progress: &mut dyn Progress) -> Result<(), OciError> {
        let part = Part::of(bytes);
        let to = self.address(&format!("blobs/{}", part.digest))?;
        let reply = self.ask(&Question { method: Method::HEAD, ..Question::get(what, to) })?;
        match reply.status() {
            StatusCode::OK => {
                pushed.there += 1;
                return Ok(());
            }
            StatusCode::NOT_FOUND => {}
            _ => return Err(self.refused(what, reply)),
        }
        progress.begins(what, part.size);
        let progress = RefCell::new(progress);
        let done = self.persist(what, |registry| registry.upload(what, bytes, part, &|sent| progress.borrow_mut().is_at(sent)));
        progress.into_inner().ends();
        done?;
        pushed.sent += 1;
        Ok(())
    }

    /// Sends a blob in one go, to where the registry wants it; to itself alone.
    fn upload(&mut self, what: &str, bytes: &[u8], part: Part, meter: &dyn Fn(u64)) -> Result<(), Failure> {
        let to = self.address("blobs/uploads/")?;
        let question = Question { method: Method::POST, ..Question::get(what, to.clone()) };
        let reply = self.ask_once(&question)?;
        if reply.status() != StatusCode::ACCEPTED {
            return Err(self.refused(what, reply).into());
        }
        let location = reply.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let hop = |why: String| OciError::Hop { to: escape(location, 200), why };
        let there = join(&to, location).map_err(hop)?;
        match self.home.judge(&there).map_err(hop)? {
            Way::Home => {}
            Way::Named | Way::Public => return Err(hop("what is sent goes to the registry itself".into()).into()),
        }
        let separator = if there.query().is_some() { '&' } else { '?' };
        let whole = format!("{there}{separator}digest={}", part.digest);
        let to = whole.parse().map_err(|_| hop("it is no address".into()))?;
        drop(reply);
        let question = Question { method: Method::PUT, body: bytes, meter: Some(meter), ..Question::get(what, to) }
            .with(header::CONTENT_TYPE, "application/octet-stream");
        let reply = self.ask_once(&question)?;
        match reply.status() {
            StatusCode::CREATED => Ok(()),
            // What was begun is forgotten by some, and begun anew.
            StatusCode::NOT_FOUND => Err(Failure { error: self.refused(what, reply), again: Some(None) }),
            _ => Err(self.refused(what, reply).into()),
        }
    }

    fn put_manifest(&mut self, what: &str, at: &str, bytes: &[u8]) -> Result<(), OciError> {
        let media_type = Document::media_type(what, bytes)?;
        let to = self.address(&format!("manifests/{at}"))?;
        let question =
            Question { method: Method::PUT, body: bytes, ..Question::get(what, to) }.with(header::CONTENT_TYPE, media_type);
        let reply = self.ask(&question)?;
        if !matches!(reply.status(), StatusCode::CREATED | StatusCode::OK) {
            return Err(self.refused(what, reply));
        }
        let (asked, said) = (Digest::of(bytes), reply.headers().get(CONTENT_DIGEST).and_then(|value| value.to_str().ok()));
        match said.map(str::parse::<Digest>) {
            Some(Ok(found)) if found != asked => Err(OciError::DigestMismatch { what: what.to_owned(), asked, found }),
            // It says nothing, or what cannot be compared.
            Some(Ok(_) | Err(_)) | None => Ok(()),
        }
    }
}
