//! `ambit key`

use std::{
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

use super::{
    small_file,
    store::{Common, NO, ago, told},
};
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
        /// For which names; if it is not said, for those that it is trusted for, or else for everything
        #[arg(long = "for", value_name = "PATTERN")]
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
    let mut own: Vec<OwnKey> = Vec::new();
    for key in KeyRing::open(&place)?.list()? {
        match key {
            Ok(key) => own.push(key),
            Err(error) => output::note(&error.full()),
        }
    }
    let Trust { keys, rules, revoked } = Trust::of(&place, &common.namespace)?;
    if common.json {
        output::json(&json!({ "own": own, "trusted": with_ids(&keys), "required": rules, "revoked": revoked }))?;
        return Ok(0);
    }
    let revocation = |id: KeyId| revoked.iter().find(|revocation| revocation.key == id);
    let note = |id: KeyId| {
        revocation(id)
            .and_then(|revocation| revocation.reason.as_deref())
            .map_or_else(String::new, |why| ambit_core::escape(why, 60))
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for OwnKey { name, id, .. } in &own {
        let state = if revocation(*id).is_some() { "own, revoked" } else { "own" };
        rows.push(vec![id.short(), name.to_string(), state.into(), String::new(), String::new(), note(*id)]);
    }
    for TrustedKey { key, label, names, since } in &keys {
        let names: Vec<&str> = names.iter().map(NamePattern::as_str).collect();
        let (id, label) = (key.id(), label.as_ref().map_or_else(|| "-".into(), ToString::to_string));
        let state = if revocation(id).is_some() { "revoked" } else { "trusted" };
        rows.push(vec![id.short(), label, state.into(), names.join(" "), ago(*since), note(id)]);
    }
    for Revocation { key, reason: _, since } in &revoked {
        if !keys.iter().any(|trusted| trusted.key.id() == *key) && !own.iter().any(|own| own.id == *key) {
            rows.push(vec![key.short(), "-".into(), "revoked".into(), String::new(), ago(*since), note(*key)]);
        }
    }
    table::print(&["KEY", "NAME", "STATE", "FOR", "SINCE", "WHY"], &rows)?;
    for rule in &rules {
        output::data(&format!("required of {}: a signature{}", rule.names, with_version(rule)))?;
    }
    Ok(0)
}

fn with_version(rule: &SignatureRule) -> String {
    rule.min_version.as_ref().map(|version| format!(" that says a version of at least {version}")).unwrap_or_default()
}

fn with_ids(keys: &[TrustedKey]) -> Vec<serde_json::Value> {
    let one = |TrustedKey { key, label, names, since }: &TrustedKey| json!({ "id": key.id(), "key": key, "label": label, "names": names, "since": since });
    keys.iter().map(one).collect()
}

fn trust(common: &Common, key: &str, names: Vec<NamePattern>, label: Option<TagName>) -> anyhow::Result<u8> {
    let (public, own) = public_key(common, key)?;
    let store = common.open()?;
    // What is not said again stays.
    let before = store.trust_of(&common.namespace)?.keys.into_iter().find(|trusted| trusted.key == public);
    let (names_before, label_before) = before.map_or((Vec::new(), None), |before| (before.names, before.label));
    let said = if names.is_empty() { names_before.clone() } else { names };
    let names = if said.is_empty() { vec![NamePattern::everything()] } else { said };
    let trusted = TrustedKey { key: public, label: label.or(label_before).or(own), names, since: now() };
    store.trust(&common.namespace, trusted.clone())?;
    let list = |names: &[NamePattern]| names.iter().map(NamePattern::as_str).collect::<Vec<_>>().join(" ");
    let was = match names_before.as_slice() {
        [] => String::new(),
        before if before == trusted.names => String::new(),
        before => format!("; it was for {}", list(before)),
    };
    let text = format!("{} is trusted for {}{was}", trusted.key.id(), list(&trusted.names));
    common.say(&with_ids(std::slice::from_ref(&trusted)), &text)
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
    let before = store.trust_of(&common.namespace)?.rules.into_iter().find(|before| before.names == rule.names);
    store.require_signature(&common.namespace, rule.clone())?;
    let was = before.filter(|before| *before != rule).map(|before| format!("; before it was a signature{}", with_version(&before)));
    let text = format!("a signature{} is required of {}{}", with_version(&rule), rule.names, was.unwrap_or_default());
    if rule.names.as_str().ends_with(".wasm") || rule.names.as_str().ends_with(".wat") {
        output::note("a file has no name: only the rule for * binds files");
    }
    common.say(&rule, &text)
}

/// A public key from a file, or one's own, with its name.
pub(super) fn public_key(common: &Common, text: &str) -> Result<(PublicKey, Option<TagName>), StoreError> {
    match own(common, text)? {
        Meant::Own(ring, name) => return Ok((ring.secret(&name)?.public(), Some(name))),
        Meant::File => {}
        Meant::Nothing => return Err(StoreError::Refused(format!("`{text}` is neither a file nor a key of yours"))),
    }
    let path = Path::new(text);
    let bytes = small_file::read(path, LONGEST_FILE).map_err(|source| StoreError::System {
        what: "read the key",
        path: path.into(),
        source,
    })?;
    let refused = |why: &dyn std::fmt::Display| StoreError::Refused(format!("`{text}`: {why}"));
    let pem = String::from_utf8(bytes).map_err(|_| refused(&"it is no text, and so no key in PEM"))?;
    if pem.contains("PRIVATE KEY") {
        return Err(refused(
            &"it is a private key, which nobody else should have; `openssl pkey -in FILE -pubout` gives the public one",
        ));
    }
    PublicKey::from_pem(&pem).map(|key| (key, None)).map_err(|error| refused(&error))
}

/// What a word for a key means.
pub(super) enum Meant {
    /// A key of one's own.
    Own(KeyRing, TagName),
    /// A file.
    File,
    /// Nothing that is there.
    Nothing,
}

/// Which of the two a word means: a key of one's own goes first, and a file of the same name must be named with its path.
pub(super) fn own(common: &Common, text: &str) -> Result<Meant, StoreError> {
    let is_file = Path::new(text).is_file();
    let Ok(name) = text.parse::<TagName>() else { return Ok(Meant::File) };
    let ring = match common.args().existing() {
        Ok(Some(place)) => KeyRing::open(&place)?,
        // Without a store there are no keys of one's own.
        Ok(None) | Err(StoreError::NoPlace) => return Ok(if is_file { Meant::File } else { Meant::Nothing }),
        Err(error) => return Err(error),
    };
    match (ring.has(&name)?, is_file) {
        (true, true) => Err(StoreError::Refused(format!("`{text}` is a key of yours and a file here too: ./{text} is the file"))),
        (true, false) => Ok(Meant::Own(ring, name)),
        (false, true) => Ok(Meant::File),
        (false, false) => Ok(Meant::Nothing),
    }
}

/// A key that is known here, or that a file has, or that is named in full.
pub(super) fn known(common: &Common, text: &str, trust: &Trust) -> Result<KeyId, StoreError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let called = |trusted: &TrustedKey| trusted.label.as_ref().is_some_and(|label| label.as_str() == text);
    let trusted = trust.keys.iter().map(|trusted| (trusted.key.id(), called(trusted)));
    let revoked = trust.revoked.iter().map(|revocation| (revocation.key, false));
    let own = match common.args().existing()? {
        Some(place) => KeyRing::open(&place)?.list()?,
        None => Vec::new(),
    };
    let own = own.iter().flatten().map(|own| (own.id, own.name.as_str() == text));
    let mut found: Vec<KeyId> =
        trusted.chain(revoked).chain(own).filter(|(id, called)| *called || id.begins_with(text)).map(|(id, _)| id).collect();
    found.sort();
    found.dedup();
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
