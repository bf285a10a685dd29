//! Signatures and keys, of anybody.

use std::sync::LazyLock;

use ambit_core::Digest;
use ambit_store::sign::{
    Algorithm, Claim, CosignSignature, Evidence, ImageClaim, KeyId, ModuleSignature, NamePattern, PublicKey, SecretKey,
    SignatureRule, Trust, TrustedKey, embedded,
};

use crate::{input::Input, memory::bounded};

/// Copies of what is read, and hashes of it.
const TIMES: usize = 64;

/// Keys that have signed nothing.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let trusted = |algorithm| TrustedKey {
        key: SecretKey::generate(algorithm).expect("random numbers").public(),
        label: None,
        names: vec![NamePattern::everything()],
        since: 0,
    };
    let rules = vec![SignatureRule { names: NamePattern::everything(), min_version: None }];
    Trust { keys: Algorithm::ALL.map(trusted).into(), rules, ..Trust::default() }
});

/// The first byte says what the rest is.
pub fn signature(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.below(5);
    let bytes = input.rest();
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let refused = |module: &[u8], evidence: &Evidence, manifest: Digest| {
        let claim = Claim {
            bytes: module,
            digest: Digest::of(module),
            names: Vec::new(),
            version: None,
            image: Some(ImageClaim { digests: vec![manifest], version: None }),
        };
        let verdict = TRUST.judge(&claim, evidence, false);
        assert!(!verdict.is_met() && verdict.signed_by.is_empty(), "{verdict:?}");
        assert!(verdict.why_not().len() < 4096, "{}", verdict.why_not());
    };
    match kind {
        0 => {
            let Ok(signature) = bounded(bytes.len(), TIMES, || ModuleSignature::from_json(bytes)) else { return };
            let again = ModuleSignature::from_json(signature.to_json().as_bytes());
            assert_eq!(again.as_ref(), Ok(&signature), "what is written is read");
            refused(b"", &Evidence { signatures: vec![signature], ..Evidence::default() }, Digest::of(b""));
        }
        1 => {
            let found = bounded(bytes.len(), TIMES, || embedded::signatures(bytes));
            assert!(found.len() <= bytes.len());
            refused(bytes, &Evidence::default(), Digest::of(b""));
            let SecretKey::Ed25519(_) = &*SIGNER else { unreachable!("it is made so") };
            if let Some(signed) = embedded::embed(bytes, &SIGNER) {
                let ours = SIGNER.public();
                assert!(embedded::signatures(&signed).iter().any(|signature| signature.is_of(&ours)), "it was signed");
            }
        }
        2 => {
            let payload = text();
            let signature = CosignSignature { payload: payload.clone(), signature: payload };
            refused(b"", &Evidence { cosign: vec![signature], ..Evidence::default() }, Digest::of(b""));
            // What a key did sign is of this manifest, or of none.
            let signed = CosignSignature::of_payload(text(), &SIGNER);
            let _ = signed.check(&SIGNER.public(), &[Digest::of(b"")]);
        }
        3 => {
            let Ok(key) = PublicKey::from_pem(&text()) else { return };
            assert_eq!(PublicKey::from_pem(&key.to_pem()).as_ref(), Ok(&key), "what is written is read");
            assert!(!key.verifies(bytes, &[0; 64]) && !key.verifies(bytes, &[]), "{key:?} signs anything");
        }
        _ => {
            if let Ok(id) = text().parse::<KeyId>() {
                assert_eq!(id.to_string(), text(), "there is one way to write it");
            }
            if let Ok(names) = text().parse::<NamePattern>() {
                assert_eq!(names.to_string(), text());
                let _ = names.holds_of(Some(&text()));
            }
        }
    }
}

static SIGNER: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::generate(Algorithm::Ed25519).expect("random numbers"));
