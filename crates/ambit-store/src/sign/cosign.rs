//! Signatures of images, as cosign makes them with a key: of a short text that names a manifest's digest.

use ambit_core::{Digest, escape};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    SignError,
    key::{PublicKey, SecretKey},
};

/// The most bytes of the text, and of the signature in base64.
pub const LONGEST_PAYLOAD: usize = 64 << 10;
const LONGEST_BASE64: usize = 4096;
/// What the text says that it is.
const KIND: &str = "cosign container image signature";

/// A signature and what it is of. Neither is believed before it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosignSignature {
    /// The text that is signed.
    pub payload: String,
    /// The signature, in base64.
    pub signature: String,
}

/// The text: what of it counts. The rest is whatever whoever signed wanted to say.
#[derive(Debug, Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Debug, Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: Digest,
}

impl CosignSignature {
    /// Signs a manifest.
    pub fn sign(reference: &str, manifest: Digest, with: &SecretKey) -> Self {
        // As cosign spells it, without spaces.
        let payload = serde_json::json!({
            "critical": {
                "identity": { "docker-reference": reference },
                "image": { "docker-manifest-digest": manifest },
                "type": KIND,
            },
            "optional": null,
        })
        .to_string();
        Self::of_payload(payload, with)
    }

    /// Signs a text that is there already, whatever it says.
    pub fn of_payload(payload: String, with: &SecretKey) -> Self {
        let signature = STANDARD.encode(with.sign(payload.as_bytes()));
        Self { payload, signature }
    }

    /// Whether it is `key`'s, of one of these manifests. The text is not read before its signature is right. What else comes with it (certificates,
    /// entries of transparency logs) proves nothing here: only keys count.
    ///
    /// # Errors
    /// It is not, and why.
    pub fn check(&self, key: &PublicKey, manifests: &[Digest]) -> Result<(), SignError> {
        let wrong = |why: &str| SignError::Signature(why.into());
        if self.payload.len() > LONGEST_PAYLOAD || self.signature.len() > LONGEST_BASE64 {
            return Err(wrong("it is too long"));
        }
        let signature = STANDARD.decode(&self.signature).map_err(|_| wrong("it is not base64"))?;
        if !key.verifies(self.payload.as_bytes(), &signature) {
            return Err(wrong("it is not of this key"));
        }
        let payload: Payload = serde_json::from_str(&self.payload)
            .map_err(|error| wrong(&format!("its text is none: {}", escape(error.to_string(), 200))))?;
        if payload.critical.kind != KIND {
            return Err(wrong("what is signed is no image"));
        }
        if !manifests.contains(&payload.critical.image.docker_manifest_digest) {
            return Err(wrong("it is of another image"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by `openssl dgst -sha256 -sign` over a text of cosign's layout, which is how cosign signs with a key.
    const KEY: &str = include_str!("fixtures/cosign.pub");
    const PAYLOAD: &str = include_str!("fixtures/payload.json");
    const SIGNATURE: &str = include_str!("fixtures/payload.json.sig");

    fn theirs() -> (CosignSignature, PublicKey, Digest) {
        let signature = CosignSignature { payload: PAYLOAD.into(), signature: SIGNATURE.trim_end().into() };
        let manifest = "sha256:87ef60f558bad79beea6425a3b28989f01dd417164150ab3baab98dcbf04def8".parse().expect("a digest");
        (signature, PublicKey::from_pem(KEY).expect("a key"), manifest)
    }

    #[test]
    fn a_signature_of_cosign_s_layout_is_good() {
        let (signature, key, manifest) = theirs();
        signature.check(&key, &[manifest]).expect("good");
        let why = |signature: &CosignSignature, key: &PublicKey, manifest| {
            signature.check(key, &[manifest]).expect_err("refused").to_string()
        };
        assert!(why(&signature, &key, Digest::of(b"another")).contains("another image"));
        let mut altered = signature.clone();
        altered.payload = altered.payload.replace("87ef", "87ee");
        assert!(why(&altered, &key, manifest).contains("not of this key"));
        let other = SecretKey::generate(super::super::Algorithm::EcdsaP256).expect("random numbers").public();
        assert!(why(&signature, &other, manifest).contains("not of this key"));
    }

    #[test]
    fn sig_003_what_is_signed_must_be_an_image() {
        let key = SecretKey::generate(super::super::Algorithm::EcdsaP256).expect("random numbers");
        let manifest = Digest::of(b"manifest");
        let ours = CosignSignature::sign("example.org/tool", manifest, &key);
        ours.check(&key.public(), &[manifest]).expect("good");
        let again = |payload: String| {
            CosignSignature::of_payload(payload, &key).check(&key.public(), &[manifest]).expect_err("refused").to_string()
        };
        assert!(again(ours.payload.replace(KIND, "atomic container signature")).contains("no image"));
        assert!(again(ours.payload.replace("sha256:", "sha512:")).contains("its text is none"));
        assert!(again(ours.payload.clone() + " {}").contains("its text is none"));
        // The same key twice: whichever is read, the other was meant.
        let twice = ours.payload.replace("\"type\"", "\"image\":{\"docker-manifest-digest\":\"x\"},\"type\"");
        assert!(again(twice).contains("its text is none"));
        assert!(again("[".repeat(60_000)).contains("its text is none"));
        assert!(again(" ".repeat(70_000)).contains("too long"));
    }
}
