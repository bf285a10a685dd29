//! Signatures inside of a module: its first section, a custom one named `signature`, signs all that follows it. The layout is that of
//! the WebAssembly module-signatures convention (version 1, SHA-256, Ed25519).

use sha2::{Digest as _, Sha256};

use super::key::{Algorithm, PublicKey, SecretKey};

const NAME: &[u8] = b"signature";
const DOMAIN: &[u8] = b"wasmsig";
/// Version of the convention, kind of contents (a module), function that hashes (SHA-256).
const HEAD: [u8; 3] = [1, 1, 1];
const ED25519: u8 = 1;
const HASH_BYTES: usize = 32;
/// Of a module or a component: magic number and version.
const PREAMBLE_BYTES: usize = 8;
/// As many lists of hashes, hashes of a list, and signatures of a list are looked at.
const MOST: u32 = 64;

/// A signature that a module has in it, which says that it is of all the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSignature {
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl EmbeddedSignature {
    /// Whether it is `key`'s.
    pub fn is_of(&self, key: &PublicKey) -> bool {
        key.id().algorithm() == Algorithm::Ed25519 && key.verifies(&self.message, &self.signature)
    }
}

/// The signatures in a module that say that they are of it. What is no such section, or of another version, has none.
pub fn signatures(module: &[u8]) -> Vec<EmbeddedSignature> {
    read(module).unwrap_or_default()
}

/// The module with its signature in it, in place of any it has. Another module: its digest is another.
///
/// Only Ed25519 is known to the convention: `None` for another key, and for what is no module.
pub fn embed(module: &[u8], with: &SecretKey) -> Option<Vec<u8>> {
    let SecretKey::Ed25519(_) = with else { return None };
    let (preamble, rest) = module.split_at_checked(PREAMBLE_BYTES)?;
    let rest = section(rest).map_or(rest, |(_, rest)| rest);
    let hash: [u8; HASH_BYTES] = Sha256::digest(rest).into();
    let signature = with.sign(&message(&[&hash]));
    let mut one = vec![0, ED25519];
    sized(&mut one, &signature);
    let mut set = vec![1];
    set.extend_from_slice(&hash);
    set.push(1);
    sized(&mut set, &one);
    let mut contents = Vec::new();
    sized(&mut contents, NAME);
    contents.extend_from_slice(&HEAD);
    contents.push(1);
    sized(&mut contents, &set);
    let mut signed = preamble.to_vec();
    signed.push(0);
    sized(&mut signed, &contents);
    signed.extend_from_slice(rest);
    Some(signed)
}

fn read(module: &[u8]) -> Option<Vec<EmbeddedSignature>> {
    let (mut contents, rest) = section(module.get(PREAMBLE_BYTES..)?)?;
    let contents = &mut contents;
    if bytes(contents, HEAD.len())? != HEAD {
        return None;
    }
    let hash: [u8; HASH_BYTES] = Sha256::digest(rest).into();
    let mut found = Vec::new();
    for _ in 0..number(contents)?.min(MOST) {
        let mut set = sized_bytes(contents)?;
        let set = &mut set;
        let count = number(set)?;
        if count > MOST {
            return None;
        }
        let hashes: Vec<&[u8]> = (0..count).map(|_| bytes(set, HASH_BYTES)).collect::<Option<_>>()?;
        let signatures = number(set)?.min(MOST);
        // Signed are all hashes of a list. Those before the last are of its beginning, up to some section.
        if hashes.last() != Some(&hash.as_slice()) {
            continue;
        }
        let message = message(&hashes);
        for _ in 0..signatures {
            let mut one = sized_bytes(set)?;
            let one = &mut one;
            // Its key's name: whatever that is, keys are told by their signatures.
            sized_bytes(one)?;
            let algorithm = bytes(one, 1)?[0];
            let signature = sized_bytes(one)?.to_vec();
            if algorithm == ED25519 && one.is_empty() {
                found.push(EmbeddedSignature { message: message.clone(), signature });
            }
        }
    }
    Some(found)
}

/// What is signed.
fn message(hashes: &[&[u8]]) -> Vec<u8> {
    [DOMAIN, &HEAD].into_iter().chain(hashes.iter().copied()).flatten().copied().collect()
}

/// The contents of the section of signatures, if that comes first, and what follows it.
fn section(mut module: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = &mut module;
    if bytes(rest, 1)? != [0] {
        return None;
    }
    let mut contents = sized_bytes(rest)?;
    (sized_bytes(&mut contents)? == NAME).then_some((contents, *rest))
}

fn bytes<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

fn sized_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = number(from)?;
    bytes(from, usize::try_from(count).ok()?)
}

/// LEB128, at most 32 bits.
fn number(from: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = bytes(from, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

/// Bytes after their count.
fn sized(into: &mut Vec<u8>, bytes: &[u8]) {
    let mut count = bytes.len();
    while count >= 0x80 {
        into.push(count.to_le_bytes()[0] | 0x80);
        count >>= 7;
    }
    into.push(count.to_le_bytes()[0]);
    into.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module() -> Vec<u8> {
        wat::parse_str("(module (memory 1) (func (export \"f\") (result i32) i32.const 7))").expect("a module")
    }

    #[test]
    fn what_is_embedded_is_found_and_is_of_its_key_and_module() {
        let key = SecretKey::generate(Algorithm::Ed25519).expect("random numbers");
        let signed = embed(&module(), &key).expect("signed");
        ambit_admit::admit(signed.clone(), &ambit_admit::AdmitRules::from_policy(&ambit_core::Profile::Default.policy()))
            .expect("a module still");
        let is_of = |module: &[u8]| signatures(module).iter().any(|signature| signature.is_of(&key.public()));
        assert!(is_of(&signed) && !is_of(&module()));
        // Again in its place.
        assert_eq!(embed(&signed, &key).expect("signed"), signed);
        for at in PREAMBLE_BYTES..signed.len() {
            let mut altered = signed.clone();
            altered[at] ^= 1;
            // The name of the key is nobody's, and its length one of nothing.
            assert!(!is_of(&altered), "byte {at}");
            assert!(!is_of(&signed[..at]), "cut at {at}");
        }
        let other = SecretKey::generate(Algorithm::Ed25519).expect("random numbers").public();
        assert!(!signatures(&signed).iter().any(|signature| signature.is_of(&other)));
        let other = SecretKey::generate(Algorithm::EcdsaP256).expect("random numbers");
        assert!(embed(&module(), &other).is_none() && !signatures(&signed)[0].is_of(&other.public()));
    }

    #[test]
    fn as_another_program_has_them() {
        use wasmsign2::{KeyPair, Module};

        let pair = KeyPair::generate();
        let theirs = Module::deserialize(&mut module().as_slice()).expect("a module");
        let mut signed = Vec::new();
        pair.sk.sign(theirs, None).expect("signed").serialize(&mut signed).expect("written");
        let public = ed25519_dalek::VerifyingKey::try_from(pair.pk.to_bytes().get(1..).expect("a key")).expect("a key");
        let found = signatures(&signed);
        assert!(found.len() == 1 && found[0].is_of(&PublicKey::Ed25519(public)), "{found:?}");

        let SecretKey::Ed25519(ours) = SecretKey::generate(Algorithm::Ed25519).expect("random numbers") else {
            unreachable!("it was asked for")
        };
        let theirs = [&[1], ours.verifying_key().as_bytes().as_slice()].concat();
        let signed = embed(&module(), &SecretKey::Ed25519(ours)).expect("signed");
        let theirs = wasmsign2::PublicKey::from_bytes(&theirs).expect("a key");
        theirs.verify(&mut signed.as_slice(), None).expect("theirs says that it is signed");
    }

    #[test]
    fn sig_001_the_beginning_of_a_module_is_not_the_module() {
        let key = SecretKey::generate(Algorithm::Ed25519).expect("random numbers");
        let rest = &module()[PREAMBLE_BYTES..];
        // The first section, as one that is signed in parts has it.
        let part = &rest[..2 + usize::from(rest[1])];
        let hashes: [[u8; HASH_BYTES]; 2] = [Sha256::digest(part).into(), Sha256::digest(rest).into()];
        let signature = key.sign(&message(&[&hashes[0], &hashes[1]]));
        let mut one = vec![0, ED25519];
        sized(&mut one, &signature);
        let mut set = vec![2];
        hashes.iter().for_each(|hash| set.extend_from_slice(hash));
        set.push(1);
        sized(&mut set, &one);
        let mut contents = Vec::new();
        sized(&mut contents, NAME);
        contents.extend_from_slice(&HEAD);
        contents.push(1);
        sized(&mut contents, &set);
        let signed = |rest: &[u8]| {
            let mut signed = module()[..PREAMBLE_BYTES].to_vec();
            signed.push(0);
            sized(&mut signed, &contents);
            signed.extend_from_slice(rest);
            signatures(&signed).iter().any(|signature| signature.is_of(&key.public()))
        };
        assert!(signed(rest) && !signed(part));
    }

    #[test]
    fn sig_002_lists_without_end_are_not_read() {
        let mut contents = Vec::new();
        sized(&mut contents, NAME);
        contents.extend_from_slice(&HEAD);
        contents.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
        let mut module = module()[..PREAMBLE_BYTES].to_vec();
        module.push(0);
        sized(&mut module, &contents);
        assert_eq!(signatures(&module), []);
    }
}
