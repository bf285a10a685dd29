//! `ambit verify`

use std::path::PathBuf;

use ambit_core::Outcome;
use ambit_store::{
    StoreError,
    sign::{Evidence, NamePattern, Trust, TrustedKey},
    signatures_of,
};
use clap::ValueHint;
use serde_json::json;

use super::{
    key::{known, public_key},
    module_source::ModuleSource,
    outcome_text, read_module, signed,
    store::{Common, NO, told},
};
use crate::{output, registry_args::PullArgs};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit verify tools/minify@1.2.0                          # by the keys that are trusted, and the rules
  ambit verify minify.wasm --signature minify.sig --key release.pub
  ambit verify registry.example.org/tools/minify:1.2.0     # an image, by the signatures that come with it
  ambit verify --json tools/minify | jq .verdict.signed_by
  ambit verify --forget release-team tools/minify@1.2.0    # take that key's signatures away

Exit status: 0 if it is signed as it must be, by one key at least; 1 if not; 126 if it is no module; 125 if the store cannot be used.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    pull: PullArgs,
    /// The module: a file, binary or text; - for stdin; one of the store: NAME, NAME@VERSION, NAME:TAG, sha256:…; or an image
    #[arg(value_hint = ValueHint::FilePath)]
    module: PathBuf,
    /// A signature of it, besides those that the store keeps
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    signature: Vec<PathBuf>,
    /// Have only this key count, trusted or not: a file with a public key, or the name of one's own
    #[arg(long, value_name = "FILE|NAME", value_hint = ValueHint::FilePath)]
    key: Vec<String>,
    /// Take the signatures of a key away from the module
    #[arg(long, value_name = "KEY", conflicts_with_all = ["signature", "key"])]
    forget: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    told(verify(args))
}

fn verify(args: &Args) -> anyhow::Result<u8> {
    let Args { common, pull, module, signature, key, forget } = args;
    let store = common.args();
    let found = match ModuleSource::of(module, &store, pull).find(&read_module::anything()) {
        Ok(found) => found,
        Err(rejection) => {
            let outcome = Outcome::Rejected(rejection);
            output::error(&outcome_text::describe(&outcome));
            return Ok(outcome.exit_status());
        }
    };
    let digest = found.module.digest();
    // Whoever brings keys and signatures needs no store.
    let place = match store.existing() {
        Err(_) if !key.is_empty() => None,
        place => place?,
    };
    let mut trust = place.as_ref().map_or(Ok(Trust::default()), |place| Trust::of(place, &common.namespace))?;
    let kept = place.map_or(Ok(Default::default()), |place| signatures_of(&place, &common.namespace, digest));
    let (kept, unread) = kept?;
    if let Some(key) = forget {
        let of_it = kept.iter().map(|signature| signature.key).find(|id| id.begins_with(key));
        let id = of_it.map_or_else(|| known(common, key, &trust), Ok)?;
        let count = common.open()?.forget_signatures(&common.namespace, digest, id)?;
        return common
            .say(&json!({ "key": id, "forgotten": count }), &format!("{count} signatures of {} were taken away", id.short()));
    }
    if !key.is_empty() {
        let (mut keys, names) = (Vec::new(), vec![NamePattern::everything()]);
        for text in key {
            let (key, label) = public_key(common, text)?;
            keys.push(TrustedKey { key, label, names: names.clone(), since: 0 });
        }
        trust = Trust { keys, rules: Vec::new(), ..trust };
    }
    let mut signatures = signed::read(signature).map_err(StoreError::Refused)?;
    signatures.extend(kept);
    let verdict = trust.judge(&found.claim(), &Evidence { signatures, cosign: found.cosign(), unread }, true);
    if common.json {
        output::json(&json!({ "module": digest, "met": verdict.is_met(), "verdict": verdict }))?;
        return Ok(if verdict.is_met() { 0 } else { NO });
    }
    for one in &verdict.signed_by {
        output::data(&format!("signed {}", signed::describe(one)))?;
    }
    if !verdict.is_met() {
        output::error(&format!("{digest}: {}", verdict.why_not()));
        return Ok(NO);
    }
    for reason in &verdict.refused {
        output::note(reason);
    }
    Ok(0)
}
