//! `ambit sign`

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ambit_core::Outcome;
use ambit_store::{
    Called, ImageReference, Reference, Select, StoreError, oci,
    sign::{CosignSignature, ModuleSignature, SecretKey, Statement, Trust, embedded},
};
use clap::ValueHint;

use super::{
    key::{Meant, now, own},
    module_source::{ModuleSource, Origin},
    outcome_text, read_module,
    store::{Common, told},
};
use crate::output;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit sign --key release tools/minify@1.2.0            # kept in the store, and says the name and the version
  ambit sign --key release minify.wasm -o minify.sig     # beside the module, for others
  ambit sign --key release minify.wasm --as tools/minify@1.2.0 -o minify.sig
  ambit sign --key release minify.wasm --embed signed.wasm
  ambit sign --key release registry.example.org/tools/minify:1.2.0 && ambit push registry.example.org/tools/minify:1.2.0

A signature names the module's digest, and its name and version if it is to say so: only such a one satisfies a rule that asks for a
version. `--embed` writes another module, with the signature in it as the WebAssembly module-signatures convention has it.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// The module: a file, binary or text; - for stdin; or one of the store: NAME, NAME@VERSION, NAME:TAG, sha256:…; or an image of the
    /// store, REGISTRY/PATH:TAG, which is signed as cosign does it
    #[arg(value_hint = ValueHint::FilePath)]
    module: PathBuf,
    /// The key: the name of one's own, or a file with a private key (PKCS #8 in PEM)
    #[arg(long, value_name = "NAME|FILE", env = "AMBIT_SIGNING_KEY", hide_env_values = true)]
    key: String,
    /// What the module is: NAME@VERSION; of one of the store's, what it is called there if it is not said
    #[arg(long = "as", value_name = "NAME@VERSION", conflicts_with = "embed")]
    called: Option<Reference>,
    /// Write the signature to a file, or - for stdout, instead of keeping it in the store
    #[arg(long, short, value_name = "FILE|-", conflicts_with = "embed", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Write the module with the signature in it to a file, or - for stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    embed: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    told(sign(args))
}

fn sign(args: &Args) -> anyhow::Result<u8> {
    let Args { common, module, key, called, output: to, embed } = args;
    let called = match called {
        None => None,
        Some(Reference::Named(name, Select::Version(version))) => Some(Called { name: name.clone(), version: version.clone() }),
        Some(other) => {
            output::error(&format!("`{other}` is no name with one version, such as tools/minify@1.2.0"));
            return Ok(super::USAGE);
        }
    };
    let store = common.args();
    if let Ok(image) = module.to_str().unwrap_or_default().parse::<ImageReference>()
        && !module.exists()
    {
        return sign_image(args, &image);
    }
    let source = ModuleSource::of_no_image(module, &store);
    let found = match source.find(&read_module::anything()) {
        Ok(found) => found,
        Err(rejection) => {
            let outcome = Outcome::Rejected(rejection);
            output::error(&outcome_text::describe(&outcome));
            return Ok(outcome.exit_status());
        }
    };
    let secret = secret(common, key)?;
    let id = secret.public().id();
    if let Some(path) = embed {
        let Some(signed) = embedded::embed(found.module.bytes(), &secret) else {
            output::error(&format!("only Ed25519 keys sign in a module, and {} is none", id.short()));
            return Ok(super::USAGE);
        };
        if path == Path::new("-") {
            return output::raw(&signed).map(|()| 0);
        }
        write(path, &signed)?;
        let digest = ambit_core::Digest::of(&signed);
        return common.say(&serde_json::json!({ "module": digest, "key": id }), &format!("{} is {digest}", path.display()));
    }
    let said = match found.from {
        // By its digest it has no name.
        Origin::Stored(names) => names.called,
        Origin::File | Origin::Image(_) => None,
    };
    let statement = Statement { module: found.module.digest(), called: called.or(said), signed_at: now() };
    let what =
        statement.called.as_ref().map_or_else(|| statement.module.to_string(), |called| format!("{called}, {}", statement.module));
    let signature = ModuleSignature::sign(statement, &secret);
    match to {
        Some(path) if path == Path::new("-") => output::data(&signature.to_json()).map(|()| 0),
        Some(path) => {
            write(path, format!("{}\n", signature.to_json()).as_bytes())?;
            common.say(&signature, &format!("{} signs {what}", id.short()))
        }
        None => {
            common.open()?.keep_signature(&common.namespace, signature.clone())?;
            common.say(&signature, &format!("{} signs {what}", id.short()))
        }
    }
}

/// Signs an image of the store, as cosign does it. `ambit push` takes that along.
fn sign_image(args: &Args, image: &ImageReference) -> anyhow::Result<u8> {
    let Args { common, module: _, key, called, output: to, embed } = args;
    if let Some(flag) = [called.is_some().then_some("--as"), to.is_some().then_some("-o"), embed.is_some().then_some("--embed")]
        .into_iter()
        .flatten()
        .next()
    {
        output::error(&format!(
            "{flag} is about modules; the signature of an image is kept with it, and `ambit push` takes it along"
        ));
        return Ok(super::USAGE);
    }
    let store = common.open()?;
    let near = "; `ambit images` lists images, `ambit pull` pulls one".into();
    let missing = || StoreError::NotFound { what: image.to_string(), near };
    let record = store.image(&common.namespace, image)?.ok_or_else(missing)?;
    let secret = secret(common, key)?;
    let id = secret.public().id();
    let signature = CosignSignature::sign(&record.repository.to_string(), record.manifest.digest, &secret);
    let parts = oci::with_signature(&store.image_parts(&record)?, record.manifest.digest, signature);
    let signed = store.sign_image(&record, &parts.map_err(|error| StoreError::Refused(error.full()))?)?;
    common.say(&signed, &format!("{} signs {image}, {}", id.short(), record.manifest.digest))
}

/// One's own key of that name, or the one in a file.
fn secret(common: &Common, text: &str) -> Result<SecretKey, StoreError> {
    let secret = match own(common, text)? {
        Meant::Own(ring, name) => ring.secret(&name)?,
        Meant::File => SecretKey::from_file(Path::new(text))?,
        Meant::Nothing => {
            return Err(StoreError::Refused(format!("there is no key `{text}`: `ambit key generate {text}` makes one")));
        }
    };
    let id = secret.public().id();
    if let Some(place) = common.args().existing()?
        && Trust::of(&place, &common.namespace)?.revoked.iter().any(|revocation| revocation.key == id)
    {
        output::note(&format!("the key {} was revoked: here this signature counts nowhere", id.short()));
    }
    Ok(secret)
}

/// A file is written whole, or stays what it was. What is no file is written to.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("cannot write `{}`: {error}", path.display()));
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return fs::OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)).map_err(failed);
    }
    // Where a link leads, and not in its place.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = target.with_file_name(name);
    let written = fs::OpenOptions::new().write(true).create_new(true).open(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &target)
    });
    written.map_err(|error| {
        // Nobody else has it.
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}
