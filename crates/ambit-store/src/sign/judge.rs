//! Whether a module may run for its signatures.

use ambit_core::Digest;
use semver::Version;
use serde::Serialize;

use super::{
    cosign::CosignSignature,
    embedded,
    key::{Algorithm, KeyId},
    signature::ModuleSignature,
    trust::{SignatureRule, Trust, TrustedKey},
};

/// As many signatures are checked, of one module.
pub const MOST_TRIED: usize = 16;
/// As many keys may be trusted for a name that one of them is looked for where a signature names none.
const MOST_KEYS: usize = 64;
/// As many reasons are told.
const MOST_REASONS: usize = 5;

/// What is to run.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The module's bytes.
    pub bytes: &'a [u8],
    /// Their digest.
    pub digest: Digest,
    /// Every name by which it is meant: that of the store's, aliases that led there, an image's repository; all that it has in the
    /// store, if it is asked for by its digest; none for a file.
    pub names: Vec<String>,
    /// The version that it has in the store.
    pub version: Option<Version>,
    /// The image that it came with.
    pub image: Option<ImageClaim>,
}

/// An image, as signatures speak of it.
#[derive(Debug, Clone)]
pub struct ImageClaim {
    /// Its manifest; and the list in which that was found, if there was one.
    pub digests: Vec<Digest>,
    /// The version that the manifest says.
    pub version: Option<Version>,
}

/// What is there to show whose it is, besides what the module has in it.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Signatures of modules.
    pub signatures: Vec<ModuleSignature>,
    /// Signatures of the image's manifest.
    pub cosign: Vec<CosignSignature>,
    /// Why there may be others, which could not be read.
    pub unread: Vec<String>,
}

/// Where a signature was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Apart from the module.
    Detached,
    /// In it.
    Embedded,
    /// Of the image's manifest.
    Cosign,
}

/// A good signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedBy {
    /// The key.
    pub key: KeyId,
    /// What it is called here.
    pub label: Option<String>,
    /// Where the signature was.
    pub how: How,
    /// Which version it says.
    pub version: Option<String>,
}

/// What came of looking at signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Those that are good.
    pub signed_by: Vec<SignedBy>,
    /// Why others are not.
    pub refused: Vec<String>,
    /// What is asked for and is not met.
    pub unmet: Vec<String>,
}

impl Verdict {
    /// Whether the module may run.
    pub fn is_met(&self) -> bool {
        self.unmet.is_empty()
    }

    /// Why it may not.
    pub fn why_not(&self) -> String {
        let mut why = self.unmet.join("; ");
        let reasons = self.refused.iter().take(MOST_REASONS);
        reasons.for_each(|reason| why += &format!("; {reason}"));
        let more = self.refused.len().saturating_sub(MOST_REASONS);
        if more > 0 {
            why += &format!("; and {more} more are not good");
        }
        if self.signed_by.is_empty() && self.refused.is_empty() {
            why += "; it has none";
        }
        why
    }
}

fn too_many() -> String {
    format!("at most {MOST_TRIED} signatures are tried")
}

fn one_less(left: &mut usize) -> bool {
    let may = *left > 0;
    *left = left.saturating_sub(1);
    may
}

/// A good signature while it is judged.
struct Good<'a> {
    trusted: &'a TrustedKey,
    how: How,
    version: Option<Version>,
}

impl Trust {
    /// Looks at the signatures of a module, and whether they are what is asked for: by the rules, and if `required` by whoever asks.
    ///
    /// Each rule that binds one of its names must be met, by a key that is trusted for a name that the rule is about. Only keys that
    /// count are tried, and at most [`MOST_TRIED`] signatures.
    pub fn judge(&self, claim: &Claim<'_>, evidence: &Evidence, required: bool) -> Verdict {
        let mut verdict = Verdict::default();
        let good = self.good(claim, evidence, &mut verdict.refused);
        if required && good.is_empty() {
            verdict.unmet.push("a signature of a key that is trusted for it is asked for".into());
        }
        for SignatureRule { names, min_version } in self.rules_for(&claim.names) {
            let is_about = |good: &Good<'_>| {
                let bound: Vec<&String> = claim.names.iter().filter(|name| names.holds_of(Some(name))).collect();
                match bound.as_slice() {
                    [] => good.trusted.is_for(None),
                    bound => bound.iter().any(|name| good.trusted.is_for(Some(name))),
                }
            };
            let serves = |good: &Good<'_>| min_version.as_ref().is_none_or(|min| good.version.as_ref().is_some_and(|it| it >= min));
            if good.iter().any(|good| is_about(good) && serves(good)) {
                continue;
            }
            let of = if names.as_str() == "*" { "everything".into() } else { format!("`{names}`") };
            verdict.unmet.push(match min_version {
                None => format!("a signature of a trusted key is required of {of}"),
                Some(min) => format!("a signature of a trusted key that says a version of at least {min} is required of {of}"),
            });
        }
        verdict.signed_by = good
            .iter()
            .map(|good| SignedBy {
                key: good.trusted.key.id(),
                label: good.trusted.label.as_ref().map(ToString::to_string),
                how: good.how,
                version: good.version.as_ref().map(ToString::to_string),
            })
            .collect();
        verdict
    }

    fn good(&self, claim: &Claim<'_>, evidence: &Evidence, refused: &mut Vec<String>) -> Vec<Good<'_>> {
        let Evidence { signatures, cosign, unread } = evidence;
        refused.extend(unread.iter().cloned());
        let revoked = self.revoked();
        let is_for_it = |trusted: &TrustedKey| match claim.names.as_slice() {
            [] => trusted.is_for(None),
            names => names.iter().any(|name| trusted.is_for(Some(name))),
        };
        let counts = |trusted: &&TrustedKey| is_for_it(trusted) && !revoked.contains(&trusted.key.id());
        let keys: Vec<&TrustedKey> = self.keys.iter().filter(counts).collect();
        let mut good = Vec::new();
        let mut left = MOST_TRIED;
        for signature in signatures {
            let key = signature.key.short();
            let Some(&trusted) = keys.iter().find(|trusted| trusted.key.id() == signature.key) else {
                refused.push(self.why_not(signature.key, &revoked));
                continue;
            };
            let said = signature.statement.called.as_ref();
            let another = said.filter(|said| {
                let name = !claim.names.is_empty() && !claim.names.iter().any(|name| name == said.name.as_str());
                name || claim.version.as_ref().is_some_and(|version| *version != said.version)
            });
            if signature.statement.module != claim.digest {
                refused.push(format!("a signature of {key} is of another module, {}", signature.statement.module));
            } else if let Some(another) = another {
                refused.push(format!("a signature of {key} says that it is `{another}`"));
            } else if !one_less(&mut left) {
                refused.push(too_many());
                break;
            } else if signature.is_of(&trusted.key) {
                good.push(Good { trusted, how: How::Detached, version: said.map(|said| said.version.clone()) });
            } else {
                refused.push(format!("a signature says that it is of {key}, and is not"));
            }
        }
        // These name no key: each of them is tried.
        if keys.len() > MOST_KEYS {
            refused.push(format!(
                "{} keys are trusted for it, and only {MOST_KEYS} are tried where a signature names none",
                keys.len()
            ));
        }
        for signature in embedded::signatures(claim.bytes) {
            if !one_less(&mut left) {
                refused.push(too_many());
                break;
            }
            let mut of = keys.iter().filter(|trusted| trusted.key.id().algorithm() == Algorithm::Ed25519).take(MOST_KEYS);
            match of.find(|trusted| signature.is_of(&trusted.key)) {
                Some(&trusted) => good.push(Good { trusted, how: How::Embedded, version: None }),
                None => refused.push("a signature in the module is of no key that is trusted for it".into()),
            }
        }
        let Some(ImageClaim { digests, version }) = &claim.image else { return good };
        for signature in cosign {
            if !one_less(&mut left) {
                refused.push(too_many());
                break;
            }
            match keys.iter().take(MOST_KEYS).find(|trusted| signature.check(&trusted.key, digests).is_ok()) {
                Some(&trusted) => good.push(Good { trusted, how: How::Cosign, version: version.clone() }),
                None => refused.push("a signature of the image is of no key that is trusted for it, or of another image".into()),
            }
        }
        good
    }

    fn why_not(&self, key: KeyId, revoked: &std::collections::BTreeSet<KeyId>) -> String {
        let short = key.short();
        if revoked.contains(&key) {
            return format!("the key {short} was revoked");
        }
        if self.keys.iter().any(|trusted| trusted.key.id() == key) {
            return format!("the key {short} is not trusted for this name");
        }
        format!("the key {short} is not trusted: `ambit key trust FILE` does that")
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Revocation, SecretKey, Statement},
        *,
    };
    use crate::record::Called;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn key(algorithm: Algorithm) -> SecretKey {
        SecretKey::generate(algorithm).expect("random numbers")
    }

    fn trusted(key: &SecretKey, names: &str) -> TrustedKey {
        TrustedKey { key: key.public(), label: None, names: vec![names.parse().expect("a pattern")], since: 0 }
    }

    fn rule(names: &str, min_version: Option<&str>) -> SignatureRule {
        let min_version = min_version.map(|version| version.parse().expect("a version"));
        SignatureRule { names: names.parse().expect("a pattern"), min_version }
    }

    fn claim(name: Option<&str>) -> Claim<'static> {
        Claim {
            bytes: MODULE,
            digest: Digest::of(MODULE),
            names: name.into_iter().map(Into::into).collect(),
            version: None,
            image: None,
        }
    }

    fn signed(key: &SecretKey, called: Option<(&str, &str)>, module: &[u8]) -> ModuleSignature {
        let called = called
            .map(|(name, version)| Called { name: name.parse().expect("a name"), version: version.parse().expect("a version") });
        ModuleSignature::sign(Statement { module: Digest::of(module), called, signed_at: 0 }, key)
    }

    fn with(signatures: Vec<ModuleSignature>) -> Evidence {
        Evidence { signatures, ..Evidence::default() }
    }

    fn refused(trust: &Trust, claim: &Claim<'_>, evidence: &Evidence, words: &str) {
        let verdict = trust.judge(claim, evidence, false);
        assert!(!verdict.is_met() && verdict.why_not().contains(words), "{words}: {verdict:?}");
    }

    fn met(trust: &Trust, claim: &Claim<'_>, evidence: &Evidence) {
        let verdict = trust.judge(claim, evidence, false);
        assert!(verdict.is_met() && !verdict.signed_by.is_empty(), "{verdict:?}");
    }

    #[test]
    fn sig_002_what_is_unsigned_does_not_run_where_it_must_be_signed() {
        let ours = key(Algorithm::Ed25519);
        let trust = Trust { keys: vec![trusted(&ours, "*")], rules: vec![rule("tools/*", None)], ..Trust::default() };
        let (bound, free) = (claim(Some("tools/a")), claim(Some("other")));
        refused(&trust, &bound, &Evidence::default(), "it has none");
        assert!(
            trust.judge(&free, &Evidence::default(), false).is_met()
                && trust.judge(&claim(None), &Evidence::default(), false).is_met()
        );
        assert!(!trust.judge(&free, &Evidence::default(), true).is_met());
        met(&trust, &bound, &with(vec![signed(&ours, None, MODULE)]));
        // Of everything: also of what has no name.
        let trust = Trust { rules: vec![rule("*", None)], ..trust };
        refused(&trust, &claim(None), &Evidence::default(), "required of everything");
    }

    #[test]
    fn sig_002_of_many_signatures_few_are_tried() {
        let ours = key(Algorithm::Ed25519);
        let trust = Trust { keys: vec![trusted(&ours, "*")], rules: vec![rule("*", None)], ..Trust::default() };
        let bad = signed(&ours, None, MODULE);
        let mut json = bad.to_json();
        let at = json.find("\"signature\":\"").expect("there") + 20;
        let other = if json.as_bytes()[at] == b'A' { "B" } else { "A" };
        json.replace_range(at..=at, other);
        let bad = ModuleSignature::from_json(json.as_bytes()).expect("one");
        let mut many = vec![bad; 10_000];
        many.push(signed(&ours, None, MODULE));
        refused(&trust, &claim(None), &with(many.clone()), "and is not");
        let why = trust.judge(&claim(None), &with(many.clone()), false);
        assert_eq!(why.refused.len(), MOST_TRIED + 1);
        assert!(why.why_not().len() < 1000, "{}", why.why_not());
        // Those of keys that do not count do not hide one that does.
        let stranger = key(Algorithm::Ed25519);
        let mut many = vec![signed(&stranger, None, MODULE); 10_000];
        many.push(signed(&ours, None, MODULE));
        met(&trust, &claim(None), &with(many));
    }

    #[test]
    fn sig_001_a_signature_of_something_else_is_none() {
        let ours = key(Algorithm::Ed25519);
        let trust = Trust { keys: vec![trusted(&ours, "*")], rules: vec![rule("*", None)], ..Trust::default() };
        refused(&trust, &claim(None), &with(vec![signed(&ours, None, b"another")]), "of another module");
        let named = with(vec![signed(&ours, Some(("tools/other", "1.0.0")), MODULE)]);
        refused(&trust, &claim(Some("tools/a")), &named, "says that it is `tools/other@1.0.0`");
    }

    #[test]
    fn sig_003_a_key_counts_for_its_names() {
        let (ours, stranger) = (key(Algorithm::EcdsaP256), key(Algorithm::Ed25519));
        let keys = vec![trusted(&ours, "tools/*")];
        let trust = Trust { keys, rules: vec![rule("*", None)], ..Trust::default() };
        met(&trust, &claim(Some("tools/a")), &with(vec![signed(&ours, None, MODULE)]));
        refused(&trust, &claim(Some("other")), &with(vec![signed(&ours, None, MODULE)]), "not trusted for this name");
        refused(&trust, &claim(Some("tools/a")), &with(vec![signed(&stranger, None, MODULE)]), "ambit key trust");
    }

    #[test]
    fn sig_004_what_is_old_or_revoked_does_not_run() {
        let ours = key(Algorithm::Ed25519);
        let rules = vec![rule("tools/*", Some("1.2.0"))];
        let mut trust = Trust { keys: vec![trusted(&ours, "*")], rules, ..Trust::default() };
        let it = claim(Some("tools/a"));
        met(&trust, &it, &with(vec![signed(&ours, Some(("tools/a", "1.2.0")), MODULE)]));
        refused(&trust, &it, &with(vec![signed(&ours, Some(("tools/a", "1.1.9")), MODULE)]), "at least 1.2.0");
        refused(&trust, &it, &with(vec![signed(&ours, None, MODULE)]), "at least 1.2.0");
        trust.revoked.push(Revocation { key: ours.public().id(), reason: None, since: 0 });
        refused(&trust, &it, &with(vec![signed(&ours, Some(("tools/a", "1.2.0")), MODULE)]), "was revoked");
        let inside = embedded::embed(MODULE, &ours).expect("signed");
        let claim = Claim { bytes: &inside, digest: Digest::of(&inside), names: Vec::new(), version: None, image: None };
        let verdict = trust.judge(&claim, &Evidence::default(), true);
        assert!(!verdict.is_met(), "{verdict:?}");
        trust.revoked.clear();
        assert!(trust.judge(&claim, &Evidence::default(), true).is_met());
    }

    #[test]
    fn each_name_that_led_there_is_bound() {
        let ours = key(Algorithm::Ed25519);
        let keys = vec![trusted(&ours, "other/*")];
        let trust = Trust { keys, rules: vec![rule("tools/*", None)], ..Trust::default() };
        let alias = Claim { names: vec!["other/a".into(), "tools/a".into()], ..claim(None) };
        refused(&trust, &alias, &Evidence::default(), "required of `tools/*`");
        // A key that is not for the name that is bound does not serve.
        refused(&trust, &alias, &with(vec![signed(&ours, None, MODULE)]), "required of `tools/*`");
        let trust = Trust { keys: vec![trusted(&ours, "tools/*")], ..trust };
        met(&trust, &alias, &with(vec![signed(&ours, None, MODULE)]));
    }

    #[test]
    fn sig_004_another_version_is_another_module() {
        let ours = key(Algorithm::Ed25519);
        let trust = Trust { keys: vec![trusted(&ours, "*")], rules: vec![rule("*", Some("1.0.0"))], ..Trust::default() };
        let newest = Claim { version: Some("2.0.0".parse().expect("a version")), ..claim(Some("tools/a")) };
        refused(&trust, &newest, &with(vec![signed(&ours, Some(("tools/a", "1.5.0")), MODULE)]), "says that it is `tools/a@1.5.0`");
        met(&trust, &newest, &with(vec![signed(&ours, Some(("tools/a", "2.0.0")), MODULE)]));
    }

    #[test]
    fn of_many_keys_each_is_found() {
        let all: Vec<SecretKey> = (0..40).map(|_| key(Algorithm::Ed25519)).collect();
        let keys: Vec<TrustedKey> = all.iter().map(|key| trusted(key, "*")).collect();
        let trust = Trust { keys, rules: vec![rule("*", None)], ..Trust::default() };
        for key in &all {
            let inside = embedded::embed(MODULE, key).expect("signed");
            let claim = Claim { bytes: &inside, digest: Digest::of(&inside), names: Vec::new(), version: None, image: None };
            met(&trust, &claim, &Evidence::default());
        }
    }

    #[test]
    fn an_image_s_signature_is_of_its_manifest() {
        let ours = key(Algorithm::EcdsaP256);
        let trust = Trust { keys: vec![trusted(&ours, "*")], rules: vec![rule("*", Some("2.0.0"))], ..Trust::default() };
        let manifest = Digest::of(b"manifest");
        let evidence = Evidence { cosign: vec![CosignSignature::sign("example.org/a", manifest, &ours)], ..Evidence::default() };
        let of = |manifest, version: &str| {
            let image = ImageClaim { digests: vec![manifest], version: Some(version.parse().expect("a version")) };
            Claim { image: Some(image), ..claim(Some("example.org/a")) }
        };
        met(&trust, &of(manifest, "2.0.1"), &evidence);
        refused(&trust, &of(manifest, "1.9.0"), &evidence, "at least 2.0.0");
        refused(&trust, &of(Digest::of(b"another"), "2.0.1"), &evidence, "of another image");
        refused(&trust, &claim(Some("example.org/a")), &evidence, "it has none");
    }
}
