//! A signature of a module, apart from it.

use ambit_core::{Digest, escape};
use base64::{Engine, engine::general_purpose::STANDARD};
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{
    SignError,
    key::{KeyId, PublicKey, SecretKey},
};
use crate::{name::ModuleName, record::Called};

/// Bytes of the text of a signature.
pub const LONGEST_SIGNATURE: usize = 4096;
/// The one version there is.
const FORMAT: u32 = 1;

/// What is signed: which module, and what it may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The module.
    pub module: Digest,
    /// The name and version that it has, if the signature is to say so. Only then a policy that asks for a version is met.
    pub called: Option<Called>,
    /// When, in seconds since 1970, by the clock of whoever signed.
    pub signed_at: i64,
}

impl Statement {
    /// The bytes that are signed: no other statement has the same, and nothing that is signed elsewhere begins like this.
    fn bytes(&self) -> Vec<u8> {
        let Self { module, called, signed_at } = self;
        let (name, version) = match called {
            Some(Called { name, version }) => (name.to_string(), version.to_string()),
            None => ("-".into(), "-".into()),
        };
        format!("ambit module signature {FORMAT}\nmodule {module}\nname {name}\nversion {version}\nsigned-at {signed_at}\n")
            .into_bytes()
    }
}

/// A signature of a module, as it is kept and exchanged: one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct ModuleSignature {
    /// What is signed.
    pub statement: Statement,
    /// By which key, it says.
    pub key: KeyId,
    signature: Vec<u8>,
}

/// How it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Form {
    ambit_module_signature: u32,
    module: Digest,
    name: Option<ModuleName>,
    version: Option<String>,
    signed_at: i64,
    key: KeyId,
    signature: String,
}

impl ModuleSignature {
    /// Signs a statement.
    pub fn sign(statement: Statement, with: &SecretKey) -> Self {
        let signature = with.sign(&statement.bytes());
        Self { statement, key: with.public().id(), signature }
    }

    /// Whether it is what `key` says of the module. A key of another name is not asked.
    pub fn is_of(&self, key: &PublicKey) -> bool {
        self.key == key.id() && key.verifies_one_form(&self.statement.bytes(), &self.signature)
    }

    /// From the line.
    ///
    /// # Errors
    /// It is none.
    pub fn from_json(text: &[u8]) -> Result<Self, SignError> {
        if text.len() > LONGEST_SIGNATURE {
            return Err(SignError::Signature(format!("it has {} bytes, and one has at most {LONGEST_SIGNATURE}", text.len())));
        }
        // A list of the same values would be taken for it too.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(SignError::Signature("it is no object of JSON".into()));
        }
        serde_json::from_slice(text).map_err(|error| SignError::Signature(escape(error.to_string(), 200)))
    }

    /// The line, without its end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a map with keys of text")
    }
}

impl From<ModuleSignature> for Form {
    fn from(of: ModuleSignature) -> Self {
        let ModuleSignature { statement: Statement { module, called, signed_at }, key, signature } = of;
        let (name, version) = called.map(|called| (called.name, called.version.to_string())).unzip();
        let signature = STANDARD.encode(signature);
        Self { ambit_module_signature: FORMAT, module, name, version, signed_at, key, signature }
    }
}

impl TryFrom<Form> for ModuleSignature {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let Form { ambit_module_signature, module, name, version, signed_at, key, signature } = form;
        if ambit_module_signature != FORMAT {
            return Err(format!("it is of version {ambit_module_signature}, and known is {FORMAT}"));
        }
        let called = match (name, version) {
            (Some(name), Some(version)) => {
                let version: Version = version.parse().map_err(|error| format!("its version is none: {error}"))?;
                Some(Called { name, version })
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err("a name and a version go together".into()),
        };
        let signature = STANDARD.decode(&signature).map_err(|_| "the signature is not base64")?;
        Ok(Self { statement: Statement { module, called, signed_at }, key, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::key::Algorithm, *};

    fn signed() -> (SecretKey, ModuleSignature) {
        let key = SecretKey::generate(Algorithm::Ed25519).expect("random numbers");
        let called = Called { name: "tools/minify".parse().expect("a name"), version: Version::new(1, 2, 0) };
        let statement = Statement { module: Digest::of(b"module"), called: Some(called), signed_at: 1_700_000_000 };
        let signature = ModuleSignature::sign(statement, &key);
        (key, signature)
    }

    #[test]
    fn sig_001_each_part_of_a_statement_is_signed() {
        let (key, signature) = signed();
        let key = key.public();
        assert!(signature.is_of(&key));
        assert_eq!(ModuleSignature::from_json(signature.to_json().as_bytes()).expect("one"), signature);
        let check = |alter: fn(&mut ModuleSignature)| {
            let mut altered = signature.clone();
            alter(&mut altered);
            assert!(altered != signature && !altered.is_of(&key), "{altered:?}");
        };
        check(|signature| signature.statement.module = Digest::of(b"another"));
        check(|signature| signature.statement.called = None);
        check(|signature| {
            if let Some(called) = &mut signature.statement.called {
                called.version = Version::new(9, 9, 9);
            }
        });
        check(|signature| {
            if let Some(called) = &mut signature.statement.called {
                called.name = "tools/other".parse().expect("a name");
            }
        });
        check(|signature| signature.statement.signed_at += 1);
        check(|signature| signature.signature[3] ^= 1);
        check(|signature| signature.key = SecretKey::generate(Algorithm::Ed25519).expect("random numbers").public().id());
    }

    #[test]
    fn sig_003_what_is_no_signature_is_refused() {
        let json = signed().1.to_json();
        let refused = |text: String| {
            assert!(text != json && ModuleSignature::from_json(text.as_bytes()).is_err(), "{text}");
        };
        refused(json.replace("ed25519:", "none:"));
        refused(json.replace("ed25519:", ""));
        refused(json.replace("\"ambit-module-signature\":1", "\"ambit-module-signature\":2"));
        refused(json.replace(",\"version\":\"1.2.0\"", ""));
        refused(json.replace("1.2.0", "1.2"));
        refused(json.replace("tools/", "../"));
        refused(json.clone() + "{}");
        refused(json.replacen('{', "{\"more\":1,", 1));
        refused(json.replace("\"signature\":\"", "\"signature\":\" "));
        refused(" ".repeat(LONGEST_SIGNATURE) + &json);
        refused(String::new());
        refused("[1,\"x\"]".into());
        let shown =
            ModuleSignature::from_json(json.replacen('{', "{\"\\u001b[31m\":1,", 1).as_bytes()).expect_err("refused").to_string();
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}
