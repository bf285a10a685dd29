//! `ambit key`

use std::{
    fs::File,
    io::Read,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use ambit_store::{
    StoreError, TagName,
    sign::{Algorithm, KeyId, KeyRing, NamePattern, OwnKey, PublicKey, Revocation, SignatureRule, Trust, TrustedKey},
};
use clap::{Subcommand, ValueHint};
use semver::Version;
use serde_json::json;

use super::store::{Common, NO, ago, told};
use crate::{output, table};

/// Bytes of a file with a public key.
const LONGEST_FILE: u64 = 64 << 10;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit key generate release                    # keys/release.key beneath the store, for its owner alone
  ambit key export release > release.pub        # what others trust
  ambit key trust release.pub --for 'tools/*' --as release-team
  ambit key trust cosign.pub --for 'registry.example.org/tools/*'
  ambit key require 'tools/*' --min-version 1.2.0
  ambit key list
  ambit key revoke release-team --reason 'laptop stolen'

A key is named by its algorithm and its digest (ed25519:3f… , eight digits are enough), by the name it is trusted as, by the name of
one's own, or by a file that has it. Patterns of names: tools/minify, tools/* for all below, * for everything, named or not.

Exit status: 0; 1 if there is no such key, or the store will not do it; 125 if the store cannot be used.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key to sign with
    Generate {
        /// What it is to be called
        name: TagName,
        /// ed25519, or ecdsa-p256 as cosign's are
        #[arg(long, value_name = "ALGORITHM", default_value = "ed25519")]
        algorithm: Algorithm,
    },
    /// Print the public key of one's own, as PEM
    Export {
        /// What it is called
        name: TagName,
    },
    /// List one's own keys, those that are trusted, those that are revoked, and where there must be a signature
    #[command(visible_alias = "ls")]
    List,
    /// Have the signatures of a key count
    Trust {
        /// A file with a public key (PEM, as cosign and OpenSSL write it), or the name of one's own
        #[arg(value_hint = ValueHint::FilePath)]
        key: String,
        /// For which names; for everything if it is not said
        #[arg(long = "for", value_name = "PATTERN", default_value = "*")]
        names: Vec<NamePattern>,
        /// What it is to be called
        #[arg(long = "as", value_name = "NAME")]
        label: Option<TagName>,
    },
    /// Have the signatures of a key not count
    Distrust {
        /// Which
        key: String,
    },
    /// Have the signatures of a key never count again, in no namespace
    Revoke {
        /// Which
        key: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Have only what is signed run
    Require {
        /// Of which names
        names: NamePattern,
        /// And only if the signature says a version that is not before this
        #[arg(long, value_name = "VERSION", conflicts_with = "off")]
        min_version: Option<Version>,
        /// Take the rule away
        #[arg(long)]
        off: bool,
    },
}

pub(crate) fn run(args: Args) -> anyhow::Result<u8> {
    let Args { common, verb } = args;
    told(match verb {
        Verb::Generate { name, algorithm } => generate(&common, &name, algorithm),
        Verb::Export { name } => export(&common, &name),
        Verb::List => list(&common),
        Verb::Trust { key, names, label } => trust(&common, &key, names, label),
        Verb::Distrust { key } => distrust(&common, &key),
        Verb::Revoke { key, reason } => revoke(&common, &key, reason),
        Verb::Require { names, min_version, off } => require(&common, names, min_version, off),
    })
}

fn generate(common: &Common, name: &TagName, algorithm: Algorithm) -> anyhow::Result<u8> {
    let ring = KeyRing::open(&common.args().place()?)?;
    let key = ring.generate(name, algorithm)?;
    let path = ring.path(name);
    let text = format!("{name} is {}\nIts private part is {}: whoever has that signs as you do.", key.id, path.display());
    common.say(&json!({ "key": key, "path": path }), &text)
}

fn export(common: &Common, name: &TagName) -> anyhow::Result<u8> {
    let public = KeyRing::open(&common.args().place()?)?.secret(name)?.public();
    common.say(&json!({ "id": public.id(), "public": public }), public.to_pem().trim_end())
}

fn list(common: &Common) -> anyhow::Result<u8> {
    let place = common.args().place()?;
    let own = KeyRing::open(&place)?.list()?;
    let Trust { keys, rules, revoked } = Trust::of(&place, &common.namespace)?;
    if common.json {
        output::json(&json!({ "own": own, "trusted": with_ids(&keys), "required": rules, "revoked": revoked }))?;
        return Ok(0);
    }
    let gone = |id: KeyId| revoked.iter().any(|revocation| revocation.key == id);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for OwnKey { name, id, .. } in &own {
        rows.push(vec![id.short(), name.to_string(), "own".into(), String::new(), String::new()]);
    }
    for TrustedKey { key, label, names, since } in &keys {
        let names: Vec<&str> = names.iter().map(NamePattern::as_str).collect();
        let state = if gone(key.id()) { "revoked" } else { "trusted" };
        let label = label.as_ref().map_or_else(|| "-".into(), ToString::to_string);
        rows.push(vec![key.id().short(), label, state.into(), names.join(" "), ago(*since)]);
    }
    for Revocation { key, reason, since } in &revoked {
        if !keys.iter().any(|trusted| trusted.key.id() == *key) {
            let reason = ambit_core::escape(reason.as_deref().unwrap_or("-"), 60);
            rows.push(vec![key.short(), reason, "revoked".into(), String::new(), ago(*since)]);
        }
    }
    table::print(&["KEY", "NAME", "STATE", "FOR", "SINCE"], &rows)?;
    for SignatureRule { names, min_version } in &rules {
        let version = min_version.as_ref().map(|version| format!(" that says a version of at least {version}")).unwrap_or_default();
        output::data(&format!("required of {names}: a signature{version}"))?;
    }
    Ok(0)
}

fn with_ids(keys: &[TrustedKey]) -> Vec<serde_json::Value> {
    let one = |TrustedKey { key, label, names, since }: &TrustedKey| json!({ "id": key.id(), "key": key, "label": label, "names": names, "since": since });
    keys.iter().map(one).collect()
}

fn trust(common: &Common, key: &str, names: Vec<NamePattern>, label: Option<TagName>) -> anyhow::Result<u8> {
    let (public, own) = public_key(common, key)?;
    let trusted = TrustedKey { key: public, label: label.or(own), names, since: now() };
    common.open()?.trust(&common.namespace, trusted.clone())?;
    let names: Vec<&str> = trusted.names.iter().map(NamePattern::as_str).collect();
    common.say(&with_ids(std::slice::from_ref(&trusted)), &format!("{} is trusted for {}", trusted.key.id(), names.join(" ")))
}

fn distrust(common: &Common, key: &str) -> anyhow::Result<u8> {
    let store = common.open()?;
    let id = known(common, key, &store.trust_of(&common.namespace)?)?;
    if !store.distrust(&common.namespace, id)? {
        output::error(&format!("the key {} was not trusted", id.short()));
        return Ok(NO);
    }
    common.say(&json!({ "id": id, "trusted": false }), &format!("{id} is not trusted any more"))
}

fn revoke(common: &Common, key: &str, reason: Option<String>) -> anyhow::Result<u8> {
    let store = common.open()?;
    let id = known(common, key, &store.trust_of(&common.namespace)?)?;
    store.revoke(Revocation { key: id, reason, since: now() })?;
    common.say(&json!({ "id": id, "revoked": true }), &format!("{id} is revoked: nothing that it signed counts any more"))
}

fn require(common: &Common, names: NamePattern, min_version: Option<Version>, off: bool) -> anyhow::Result<u8> {
    let store = common.open()?;
    if off {
        if !store.require_no_signature(&common.namespace, &names)? {
            output::error(&format!("nothing was required of `{names}`"));
            return Ok(NO);
        }
        return common.say(&json!({ "names": names, "required": false }), &format!("nothing is required of {names}"));
    }
    let rule = SignatureRule { names, min_version };
    store.require_signature(&common.namespace, rule.clone())?;
    let version =
        rule.min_version.as_ref().map(|version| format!(" that says a version of at least {version}")).unwrap_or_default();
    common.say(&rule, &format!("a signature{version} is required of {}", rule.names))
}

/// A public key from a file, or one's own, with its name.
pub(super) fn public_key(common: &Common, text: &str) -> Result<(PublicKey, Option<TagName>), StoreError> {
    let path = Path::new(text);
    if !path.exists()
        && let Ok(name) = text.parse::<TagName>()
    {
        let own = KeyRing::open(&common.args().place()?)?.secret(&name);
        let neither = |error: StoreError| match error {
            StoreError::Refused(_) => StoreError::Refused(format!("`{text}` is neither a file nor a key of yours")),
            error => error,
        };
        return Ok((own.map_err(neither)?.public(), Some(name)));
    }
    let mut pem = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut pem));
    read.map_err(|source| StoreError::System { what: "read the key", path: path.into(), source })?;
    let refused = |error| StoreError::Refused(format!("`{text}`: {error}"));
    PublicKey::from_pem(&pem).map(|key| (key, None)).map_err(refused)
}

/// A key that is known here, or that a file has, or that is named in full.
pub(super) fn known(common: &Common, text: &str, trust: &Trust) -> Result<KeyId, StoreError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let named = |trusted: &&TrustedKey| {
        trusted.label.as_ref().is_some_and(|label| label.as_str() == text) || trusted.key.id().begins_with(text)
    };
    let found: Vec<KeyId> = trust.keys.iter().filter(named).map(|trusted| trusted.key.id()).collect();
    match found.as_slice() {
        [id] => Ok(*id),
        [] => public_key(common, text).map(|(key, _)| key.id()),
        many => Err(StoreError::Refused(format!("{} keys are called `{text}`: say more of the one that is meant", many.len()))),
    }
}

/// In seconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
