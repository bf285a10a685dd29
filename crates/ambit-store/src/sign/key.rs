//! Keys: whose they are is for [trust](super::trust) to say.

use std::{fmt, str::FromStr};

use ambit_core::{Digest, escape};
use ed25519_dalek as ed25519;
use p256::{
    ecdsa::{self, signature::Verifier},
    pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use super::SignError;

/// Bytes of the text of a key.
pub(crate) const LONGEST_PEM: usize = 4096;

/// How a key signs. It is part of the key's name, so that no signature of one kind is ever taken for one of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA with P-256 and SHA-256, as cosign's keys are.
    EcdsaP256,
}

impl Algorithm {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::EcdsaP256];

    /// What it is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = SignError;

    fn from_str(text: &str) -> Result<Self, SignError> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        let none = || SignError::Key(format!("there is no algorithm `{}`; known are {}", escape(text, 40), known()));
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or_else(none)
    }
}

/// The name of a public key: its algorithm, and the SHA-256 of its `SubjectPublicKeyInfo`, as `ed25519:<64 hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    algorithm: Algorithm,
    of: Digest,
}

impl KeyId {
    /// How the key signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// As much of it as tells it from others: to be read, and to be asked for by.
    pub fn short(&self) -> String {
        format!("{}:{}", self.algorithm, &self.of.hex()[..16])
    }

    /// Whether `text` is its beginning, of at least eight digits.
    pub fn begins_with(&self, text: &str) -> bool {
        let digits = text.split_once(':').map_or(text, |(_, digits)| digits);
        let whole = self.to_string();
        digits.len() >= 8 && (whole.starts_with(text) || self.of.hex().starts_with(text))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.of.hex())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = SignError;

    fn from_str(text: &str) -> Result<Self, SignError> {
        let none = || SignError::Key(format!("`{}` is no key's name: one is ed25519:<64 hex digits>", escape(text, 100)));
        let (algorithm, hex) = text.split_once(':').ok_or_else(none)?;
        let of = format!("sha256:{hex}").parse().map_err(|_| none())?;
        Ok(Self { algorithm: algorithm.parse()?, of })
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A key that signatures are checked with.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// Ed25519.
    Ed25519(ed25519::VerifyingKey),
    /// ECDSA with P-256.
    EcdsaP256(ecdsa::VerifyingKey),
}

impl PublicKey {
    /// A key as PEM: `-----BEGIN PUBLIC KEY-----`, as OpenSSL and cosign write it.
    ///
    /// # Errors
    /// It is none, or one of another algorithm, or one under which anything would be signed.
    pub fn from_pem(text: &str) -> Result<Self, SignError> {
        if text.len() > LONGEST_PEM {
            return Err(SignError::Key(format!("a public key has at most {LONGEST_PEM} bytes")));
        }
        if let Ok(key) = ed25519::VerifyingKey::from_public_key_pem(text) {
            if key.is_weak() {
                return Err(SignError::Key("the key is one of those under which anybody can sign".into()));
            }
            return Ok(Self::Ed25519(key));
        }
        let remedy = "it is no public key of Ed25519 or P-256 in PEM (-----BEGIN PUBLIC KEY-----)";
        ecdsa::VerifyingKey::from_public_key_pem(text).map(Self::EcdsaP256).map_err(|_| SignError::Key(remedy.into()))
    }

    /// The same text, in one spelling.
    pub fn to_pem(&self) -> String {
        let pem = match self {
            Self::Ed25519(key) => key.to_public_key_pem(LineEnding::LF),
            Self::EcdsaP256(key) => key.to_public_key_pem(LineEnding::LF),
        };
        pem.expect("a key that is one can be written")
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        let (algorithm, der) = match self {
            Self::Ed25519(key) => (Algorithm::Ed25519, key.to_public_key_der()),
            Self::EcdsaP256(key) => (Algorithm::EcdsaP256, key.to_public_key_der()),
        };
        KeyId { algorithm, of: Digest::of(der.expect("a key that is one can be written").as_bytes()) }
    }

    /// The same of a signature in the one form that there is of it: of ECDSA there are two, and those of others may be either.
    pub fn verifies_one_form(&self, message: &[u8], signature: &[u8]) -> bool {
        let is_low = |signature: &ecdsa::Signature| signature.normalize_s().is_none();
        let one_form = match self {
            Self::Ed25519(_) => true,
            Self::EcdsaP256(_) => ecdsa::Signature::from_der(signature).is_ok_and(|signature| is_low(&signature)),
        };
        one_form && self.verifies(message, signature)
    }

    /// Whether `signature` is this key's of `message`: 64 bytes of Ed25519 in their one form, or DER of ECDSA.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            // Strict: no point of small order, no second form of the same signature.
            Self::Ed25519(key) => {
                ed25519::Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            Self::EcdsaP256(key) => {
                ecdsa::Signature::from_der(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_pem())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_pem(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A key that signs. Its bytes are wiped when it is dropped.
pub enum SecretKey {
    /// Ed25519.
    Ed25519(ed25519::SigningKey),
    /// ECDSA with P-256.
    EcdsaP256(ecdsa::SigningKey),
}

impl SecretKey {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        loop {
            getrandom::fill(bytes.as_mut()).map_err(|error| SignError::Key(format!("there are no random numbers: {error}")))?;
            match algorithm {
                Algorithm::Ed25519 => return Ok(Self::Ed25519(ed25519::SigningKey::from_bytes(&bytes))),
                Algorithm::EcdsaP256 => {
                    // One in 2^32 is none.
                    if let Ok(key) = ecdsa::SigningKey::from_slice(bytes.as_ref()) {
                        return Ok(Self::EcdsaP256(key));
                    }
                }
            }
        }
    }

    /// A key as PEM: `-----BEGIN PRIVATE KEY-----`, PKCS #8, as `openssl genpkey` writes it.
    ///
    /// # Errors
    /// It is none, or encrypted, or one of another algorithm.
    pub fn from_pem(text: &str) -> Result<Self, SignError> {
        if text.len() > LONGEST_PEM {
            return Err(SignError::Key(format!("a private key has at most {LONGEST_PEM} bytes")));
        }
        if text.contains("ENCRYPTED") {
            return Err(SignError::Key("the private key is encrypted: decrypt it first, `openssl pkey -in FILE -out …`".into()));
        }
        if let Ok(key) = ed25519::SigningKey::from_pkcs8_pem(text) {
            return Ok(Self::Ed25519(key));
        }
        let remedy = "it is no private key of Ed25519 or P-256 in PEM (-----BEGIN PRIVATE KEY-----)";
        ecdsa::SigningKey::from_pkcs8_pem(text).map(Self::EcdsaP256).map_err(|_| SignError::Key(remedy.into()))
    }

    /// The same text.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pem = match self {
            Self::Ed25519(key) => key.to_pkcs8_pem(LineEnding::LF),
            Self::EcdsaP256(key) => key.to_pkcs8_pem(LineEnding::LF),
        };
        pem.expect("a key that is one can be written")
    }

    /// What its signatures are checked with.
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
            Self::EcdsaP256(key) => PublicKey::EcdsaP256(*key.verifying_key()),
        }
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        use p256::ecdsa::signature::Signer;

        match self {
            Self::Ed25519(key) => ed25519::Signer::sign(key, message).to_bytes().to_vec(),
            Self::EcdsaP256(key) => {
                let signature: ecdsa::Signature = key.sign(message);
                signature.normalize_s().unwrap_or(signature).to_der().as_bytes().to_vec()
            }
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public().id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(algorithm: Algorithm) -> SecretKey {
        SecretKey::generate(algorithm).expect("random numbers")
    }

    #[test]
    fn keys_are_what_they_were_when_they_are_read_again() {
        for algorithm in Algorithm::ALL {
            let key = generated(algorithm);
            let (public, id) = (key.public(), key.public().id());
            assert_eq!(SecretKey::from_pem(&key.to_pem()).expect("a key").public(), public);
            assert_eq!(PublicKey::from_pem(&public.to_pem()).expect("a key"), public);
            assert_eq!((id.to_string().parse::<KeyId>().expect("a name"), id.algorithm()), (id, algorithm));
            assert!(id.begins_with(&id.short()) && id.begins_with(&id.of.hex()[..8]) && !id.begins_with(&id.of.hex()[..7]));
            assert!(!format!("{key:?}").contains(&*key.to_pem()));
        }
    }

    #[test]
    fn sig_003_signatures_have_one_form_and_one_kind() {
        let (ed, ec) = (generated(Algorithm::Ed25519), generated(Algorithm::EcdsaP256));
        let message = b"a message";
        for (key, other) in [(&ed, &ec), (&ec, &ed)] {
            let (public, signature) = (key.public(), key.sign(message));
            assert!(public.verifies(message, &signature));
            assert!(!public.verifies(b"another", &signature), "{public:?}");
            assert!(!other.public().verifies(message, &signature), "{public:?}");
            assert!(!generated(public.id().algorithm()).public().verifies(message, &signature), "{public:?}");
            let longer = [signature.as_slice(), &[0]].concat();
            assert!(
                !public.verifies(message, &longer) && !public.verifies(message, &signature[1..]) && !public.verifies(message, &[])
            );
            for at in 0..signature.len() {
                let mut altered = signature.clone();
                altered[at] ^= 1;
                assert!(!public.verifies(message, &altered), "{public:?}: byte {at}");
            }
        }
        // N - S is the other of ECDSA's two.
        let signature = ecdsa::Signature::from_der(&ec.sign(message)).expect("one");
        let other = ecdsa::Signature::from_scalars(signature.r().to_bytes(), (-*signature.s()).to_bytes()).expect("one").to_der();
        assert!(ec.public().verifies(message, other.as_bytes()) && !ec.public().verifies_one_form(message, other.as_bytes()));
        // S + L is the same number modulo L.
        let mut second = ed.sign(message);
        let order = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0x10_u8,
        ];
        let mut carry = 0_u16;
        for (byte, more) in second[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
        }
        assert!(!ed.public().verifies(message, &second));
    }

    #[test]
    fn sig_003_no_other_key_is_one() {
        // The neutral element: with it anything is signed. The curve of another key. A private one.
        let weak =
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
        let refused = |text: &str, words: &str| {
            let error = PublicKey::from_pem(text).expect_err("refused").to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(weak, "anybody can sign");
        let x25519 = weak.replace("K2Vw", "K2Vu");
        refused(&x25519, "no public key");
        let key = generated(Algorithm::Ed25519);
        refused(&key.to_pem(), "no public key");
        refused("", "no public key");
        refused(&"-".repeat(10_000), "at most");
        let trailing = key.public().to_pem() + "more";
        refused(&trailing, "no public key");
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(SecretKey::from_pem(encrypted).expect_err("refused").to_string().contains("openssl pkey"));
        for bad in ["none:00", "ed25519", "hmac:0000000000000000000000000000000000000000000000000000000000000000"] {
            assert!(bad.parse::<KeyId>().is_err(), "{bad}");
        }
    }
}
