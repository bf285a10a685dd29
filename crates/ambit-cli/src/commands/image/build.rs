//! `ambit build`

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ambit_core::Digest;
use ambit_store::{
    ImageReference, PutImage,
    oci::{About, Layout, OciError, package},
};
use clap::ValueHint;
use serde_json::json;

use super::{
    Common, Failed,
    image_file::{FILE, ImageFile},
    status,
};
use crate::commands::read_module::{self, rules_to_keep};

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("where").required(true).multiple(true).args(["output", "tag"])))]
#[command(after_help = "\
Examples:
  ambit build tool.wasm -o layout
  ambit build tool.wasm -t localhost:5000/tool:1.0 --licenses MIT && ambit push localhost:5000/tool:1.0
  ambit build ./tool -o tool.tar -t ghcr.io/team/tool:1.0    # a directory with tool.wasm and, maybe, image.toml

It packs, and compiles nothing. image.toml may have: module, title, description, authors, licenses, version, source, url, and a table
annotations; flags go before it. The same module, of which the same is said, has the same digest; SOURCE_DATE_EPOCH sets its date.
Exit status: 0; 1 if it cannot be packed; 126 if the module is not admitted; 125 Ambit failed.")]
pub(crate) struct Args {
    /// A module, binary or text; or a directory with one, and maybe image.toml
    #[arg(value_hint = ValueHint::AnyPath)]
    source: PathBuf,
    /// Write an OCI layout: an archive if it ends with .tar, a directory if not
    #[arg(long, short, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    output: Option<PathBuf>,
    /// Keep it in the store under this name, REGISTRY/PATH:TAG
    #[arg(long, short, value_name = "IMAGE")]
    tag: Option<ImageReference>,
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Who made it
    #[arg(long, value_name = "TEXT")]
    authors: Option<String>,
    /// Under which licence it comes, as an SPDX expression
    #[arg(long, value_name = "TEXT")]
    licenses: Option<String>,
    /// Its version
    #[arg(long, value_name = "TEXT")]
    image_version: Option<String>,
    /// More to be said of it
    #[arg(long, value_name = "NAME=TEXT", value_parser = annotation)]
    annotation: Vec<(String, String)>,
    #[command(flatten)]
    common: Common,
}

fn annotation(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has no `=`")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    status(build(args))
}

fn build(args: &Args) -> Result<u8, Failed> {
    let Args { source, output, tag, title, description, authors, licenses, image_version, annotation, common } = args;
    let (path, file) = module_in(source)?;
    let about = file.about();
    let mut annotations: BTreeMap<String, String> = about.annotations;
    annotations.extend(annotation.iter().cloned());
    let or = |flag: &Option<String>, said: Option<String>| flag.clone().or(said);
    let about = About {
        title: or(title, about.title),
        description: or(description, about.description),
        authors: or(authors, about.authors),
        licenses: or(licenses, about.licenses),
        version: or(image_version, about.version),
        source: about.source,
        url: about.url,
        annotations,
        created: created()?,
    };
    let module = read_module::read(&path, &rules_to_keep()).map_err(OciError::from)?;
    let parts = package(&module, &about)?;
    let digest = Digest::of(&parts.manifest);
    if let Some(output) = output {
        Layout::write(output, &parts, module.bytes(), tag.as_ref())?;
    }
    if let Some(reference) = tag {
        let namespace = common.store.namespace.clone();
        let image = PutImage { namespace: &namespace, reference, resolved: digest, parts: &parts, module: &module };
        common.open()?.put_image(image)?;
    }
    let name = tag.as_ref().map(ToString::to_string);
    let value =
        json!({ "digest": digest, "module": module.digest(), "kind": module.kind().to_string(), "name": name, "output": output });
    let what = name.unwrap_or_else(|| output.as_ref().map_or_else(String::new, |output| output.display().to_string()));
    Ok(common.say(&value, &format!("{what} is {digest}, of the {} {}", module.kind(), module.digest()))?)
}

/// The module that is meant, and what a file beside it says.
fn module_in(source: &Path) -> Result<(PathBuf, ImageFile), OciError> {
    if !source.is_dir() {
        return Ok((source.to_owned(), ImageFile::default()));
    }
    let refused = |why: String| OciError::Refused { what: format!("the directory `{}`", source.display()), why };
    let file = ImageFile::of(source)?;
    if let Some(module) = &file.module {
        let path = Path::new(module);
        if !path.components().all(|part| matches!(part, std::path::Component::Normal(_))) {
            return Err(refused(format!("the module that {FILE} names is to be in it, and `{module}` may not be")));
        }
        return Ok((source.join(path), file));
    }
    let failed = |error| OciError::File { what: "list", path: source.to_owned(), source: error };
    let mut modules = Vec::new();
    for entry in fs::read_dir(source).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "wasm") {
            modules.push(path);
        }
    }
    match <[PathBuf; 1]>::try_from(modules) {
        Ok([module]) => Ok((module, file)),
        Err(modules) => {
            Err(refused(format!("it has {} .wasm files: `module = \"…\"` in {FILE} says which is meant", modules.len())))
        }
    }
}

/// The date of what is built: what SOURCE_DATE_EPOCH says, or none, so that what is built again is the same.
fn created() -> Result<i64, OciError> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(0) };
    let why = || OciError::Refused { what: "SOURCE_DATE_EPOCH".into(), why: "it is no number of seconds since 1970".into() };
    text.to_str().and_then(|text| text.parse().ok()).filter(|seconds| (0..253_402_300_800).contains(seconds)).ok_or_else(why)
}
