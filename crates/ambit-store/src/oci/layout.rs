//! Images in a directory or an archive, as the Open Container Initiative lays them out.
//!
//! ```text
//! oci-layout      {"imageLayoutVersion":"1.0.0"}
//! index.json      which images there are, and what they are called
//! blobs/sha256/   manifests, configurations, modules, each named by its digest
//! ```

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use ambit_core::Digest;
use serde::{Deserialize, Serialize};

use super::{
    archive::{self, Archive},
    cosign,
    error::OciError,
    fetch::{self, Came, Fetched, Origin},
    manifest::{Descriptor, Index, MOST_MANIFEST},
    media,
};
use crate::{
    image_name::{ImageReference, ImageSelect},
    image_record::Part,
    store::{ImageParts, SignatureParts},
};

const VERSION: &str = "1.0.0";
const MARK: &str = "oci-layout";
const INDEX: &str = "index.json";
/// The annotation with a tag, and that with a whole name.
const TAG: &str = "org.opencontainers.image.ref.name";
const NAME: &str = "io.containerd.image.name";

/// Images in a directory or an archive.
#[derive(Debug)]
pub struct Layout {
    path: PathBuf,
    files: Files,
    index: Index,
}

#[derive(Debug)]
enum Files {
    Directory,
    Archive(Archive),
}

/// An image of a layout.
#[derive(Debug, Clone)]
pub struct Named {
    /// What it is called there, if it is.
    pub reference: Option<ImageReference>,
    /// The digest of its manifest, or of a list of manifests.
    pub digest: Digest,
    listed: Descriptor,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    image_layout_version: String,
}

impl Layout {
    /// Opens a layout: a directory, or an archive of one.
    ///
    /// # Errors
    /// It is none, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, OciError> {
        let failed = || OciError::file("read", path);
        let files = if fs::metadata(path).map_err(failed())?.is_dir() {
            Files::Directory
        } else {
            Files::Archive(Archive::open(plain_file(path).map_err(failed())?).map_err(failed())?)
        };
        let index = Index { schema_version: 2, media_type: None, manifests: Vec::new() };
        let mut layout = Self { path: path.to_owned(), files, index };
        let what = format!("the layout `{}`", path.display());
        let no_layout = || OciError::refused(&what, format!("it has no `{MARK}` and `{INDEX}`, or they are damaged"));
        let mark = layout.read(MARK, 4096)?.and_then(|bytes| serde_json::from_slice::<Mark>(&bytes).ok()).ok_or_else(no_layout)?;
        if mark.image_layout_version != VERSION {
            return Err(OciError::refused(what, format!("its version is not {VERSION}")));
        }
        let bytes = layout.read(INDEX, MOST_MANIFEST)?.ok_or_else(no_layout)?;
        if bytes.len() as u64 > MOST_MANIFEST {
            return Err(OciError::TooLarge { what: format!("the index of {what}"), most: MOST_MANIFEST });
        }
        layout.index = serde_json::from_slice(&bytes).map_err(|_| no_layout())?;
        Ok(layout)
    }

    /// The images that it has. What is wrong with one is found when it is fetched.
    pub fn images(&self) -> Vec<Named> {
        let images = self.index.manifests.iter().filter(|listed| !tag_of(listed).is_some_and(|tag| cosign::is_tag(tag)));
        let named = |listed: &Descriptor| {
            let names = [listed.annotations.get(NAME), listed.annotations.get(TAG)];
            let reference = names.into_iter().flatten().find_map(|name| name.parse().ok());
            Named { reference, digest: listed.digest, listed: listed.clone() }
        };
        images.map(named).collect()
    }

    /// Reads an image, of which every byte is checked.
    ///
    /// # Errors
    /// Something of it is missing, or is not what its digest names, or is no image of a module.
    pub fn fetch(&mut self, image: &Named, most: u64) -> Result<Fetched, OciError> {
        let what = image.reference.as_ref().map_or_else(|| image.digest.to_string(), ToString::to_string);
        if image.listed.size > MOST_MANIFEST {
            return Err(OciError::TooLarge { what: format!("the manifest of {what}"), most: MOST_MANIFEST });
        }
        let came = self.manifest(&what, image.digest, image.listed.size)?;
        fetch::check(&format!("the manifest of {what}"), &came.bytes, image.listed.part())?;
        let media_type = Some(image.listed.media_type.clone());
        fetch::fetch(self, &what, Came { media_type, ..came }, most)
    }

    /// Writes an image: into an archive where the path ends with `.tar`, and that must not be there yet; else into a directory, which
    /// may be a layout already and then has it too.
    ///
    /// # Errors
    /// What is there is something else; or it cannot be written.
    pub fn write(path: &Path, image: &ImageParts, module: &[u8], name: Option<&ImageReference>) -> Result<(), OciError> {
        let listed = listed(image, name);
        let ImageParts { manifest, config, signature } = image;
        let signature = signature
            .iter()
            .flat_map(|SignatureParts { of: _, manifest, blobs }| blobs.iter().map(Vec::as_slice).chain([manifest.as_slice()]));
        let blobs = [module, config, manifest].into_iter().chain(signature).map(|bytes| (blob_path(Digest::of(bytes)), bytes));
        let mark = json(&Mark { image_layout_version: VERSION.into() });
        if path.extension().is_some_and(|ending| ending == "tar") {
            let index = json(&Index { schema_version: 2, media_type: Some(media::INDEX.into()), manifests: listed });
            let mut file = File::create_new(path).map_err(OciError::file("make the file", path))?;
            let files = [(MARK.to_owned(), mark.as_slice()), (INDEX.to_owned(), &index)];
            return archive::write(&mut file, files.into_iter().chain(blobs)).map_err(OciError::file("write", path));
        }
        let mut others = match fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
            // Not into a directory of something else.
            Ok(true) => Self::open(path)?.index.manifests,
            Ok(false) => Vec::new(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(OciError::file("read", path)(error)),
        };
        let is_again = |other: &Descriptor| {
            let same = |one: &Descriptor| match (other.annotations.get(NAME), tag_of(other)) {
                // What has no name is what it is.
                (None, None) => other.digest == one.digest,
                // Signatures are of a digest, whatever the image is called.
                (_, Some(tag)) if cosign::is_tag(tag) => tag_of(one) == Some(tag),
                (name, tag) => name == one.annotations.get(NAME) && tag == tag_of(one),
            };
            listed.iter().any(same)
        };
        others.retain(|other| !is_again(other));
        others.extend(listed.iter().cloned());
        fs::create_dir_all(path.join("blobs/sha256")).map_err(OciError::file("make the directory", path))?;
        for (name, bytes) in blobs {
            put(&path.join(name), bytes)?;
        }
        put(&path.join(MARK), &mark)?;
        // Last: what it names is there.
        put(&path.join(INDEX), &json(&Index { schema_version: 2, media_type: Some(media::INDEX.into()), manifests: others }))
    }

    /// A file of it, if there is one; at most so many bytes, and one more if there are more.
    fn read(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, OciError> {
        let path = self.path.join(name);
        match &mut self.files {
            Files::Archive(archive) => archive.read(name, most).map_err(OciError::file("read", &self.path)),
            Files::Directory => match plain_file(&path) {
                Ok(file) => {
                    let mut bytes = Vec::new();
                    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(OciError::file("read", path))?;
                    Ok(Some(bytes))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(OciError::file("read", path)(error)),
            },
        }
    }

    fn blob_file(&mut self, what: &str, digest: Digest, most: u64) -> Result<Vec<u8>, OciError> {
        let missing = || OciError::refused(what, format!("the layout has no blob {digest}"));
        self.read(&blob_path(digest), most)?.ok_or_else(missing)
    }
}

impl Origin for Layout {
    fn manifest(&mut self, what: &str, digest: Digest, most: u64) -> Result<Came, OciError> {
        Ok(Came { bytes: self.blob_file(what, digest, most)?, media_type: None })
    }

    fn blob(&mut self, what: &str, part: Part) -> Result<Vec<u8>, OciError> {
        self.blob_file(what, part.digest, part.size)
    }

    fn signatures(&mut self, what: &str, of: Digest, most: u64) -> Result<Option<Came>, OciError> {
        let tag = cosign::tag(of);
        let Some(listed) = self.index.manifests.iter().find(|listed| tag_of(listed) == Some(&tag)).cloned() else {
            return Ok(None);
        };
        if listed.size > most {
            return Err(OciError::TooLarge { what: what.to_owned(), most });
        }
        let came = self.manifest(what, listed.digest, listed.size)?;
        fetch::check(what, &came.bytes, listed.part())?;
        Ok(Some(Came { media_type: Some(listed.media_type), ..came }))
    }
}

/// How an image and its signatures are listed.
fn listed(image: &ImageParts, name: Option<&ImageReference>) -> Vec<Descriptor> {
    let one = |bytes: &[u8], tag: Option<String>| {
        let mut listed = Descriptor::new(media::MANIFEST, Part::of(bytes));
        let whole = match (name, &tag) {
            (Some(ImageReference { repository, .. }), Some(tag)) => Some(format!("{repository}:{tag}")),
            // A digest is its name, if it is its own, and not that of a list it was found in.
            (Some(name @ ImageReference { select: ImageSelect::Digest(digest), .. }), None) if *digest == listed.digest => {
                Some(name.to_string())
            }
            _ => None,
        };
        listed.annotations.extend(whole.map(|whole| (NAME.to_owned(), whole)));
        listed.annotations.extend(tag.map(|tag| (TAG.to_owned(), tag)));
        listed
    };
    let tag = name.and_then(|name| match &name.select {
        ImageSelect::Tag(tag) => Some(tag.to_string()),
        ImageSelect::Digest(_) => None,
    });
    let signature = image.signature.iter().map(|signature| one(&signature.manifest, Some(cosign::tag(signature.of))));
    std::iter::once(one(&image.manifest, tag)).chain(signature).collect()
}

fn tag_of(listed: &Descriptor) -> Option<&String> {
    listed.annotations.get(TAG)
}

fn blob_path(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// A file, and not something that would never end, or that waits for somebody.
fn plain_file(path: &Path) -> io::Result<File> {
    let flags =
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")) }
}

/// Writes a file under another name first: it is there whole or not at all.
fn put(path: &Path, bytes: &[u8]) -> Result<(), OciError> {
    let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
    fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path)).map_err(OciError::file("write", path))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("it is maps with keys of text")
}
