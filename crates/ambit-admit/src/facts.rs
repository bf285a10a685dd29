//! What is known of a core module, apart from its bytes: enough to run what it was compiled to.

use std::sync::Arc;

use crate::{
    admit::Hashed,
    verified::{Facts, ModuleKind, Verified},
};

/// Bytes of facts that are worth having: beyond this it is as quick to read the module again.
const MOST_BYTES: usize = 4 << 20;

impl Verified {
    /// What is known of it, for [`Verified::from_facts`] of this very version; `None` if it is a component, whose types are no trees, or
    /// if there is too much to say.
    pub fn facts(&self) -> Option<Vec<u8>> {
        if self.kind() != ModuleKind::Core {
            return None;
        }
        postcard::to_allocvec(&*self.facts).ok().filter(|facts| facts.len() <= MOST_BYTES)
    }

    /// The module of which these are the facts, without its bytes: [`Verified::bytes`] is empty. It can be loaded and called, and not
    /// compiled.
    ///
    /// They are believed: only what came from [`Verified::facts`] in a process of ours, by a way that nobody else can write to, may be
    /// given. `None` if they are none.
    pub fn from_facts(facts: &[u8]) -> Option<Self> {
        let facts: Facts = postcard::from_bytes(facts).ok()?;
        Some(Self { bytes: Arc::new([]), facts: Arc::new(facts) })
    }

    /// The module that was admitted before, of which these are the facts; `None` if they are another module's. Believed as by
    /// [`Verified::from_facts`].
    pub fn recalled(bytes: &Hashed, facts: &[u8]) -> Option<Self> {
        let known = Self::from_facts(facts)?;
        (known.digest() == bytes.digest()).then(|| Self { bytes: bytes.bytes(), facts: known.facts })
    }
}

/// Counts, of which there may be more than serde has arrays for.
pub(crate) mod counts {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use crate::shape::KEYS;

    pub(crate) fn serialize<S: Serializer>(counts: &[u64; KEYS], serializer: S) -> Result<S::Ok, S::Error> {
        counts.as_slice().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u64; KEYS], D::Error> {
        Vec::deserialize(deserializer)?.try_into().map_err(|_| de::Error::custom("another number of counts"))
    }
}

/// What is never among facts.
pub(crate) mod not_written {
    use serde::{Deserializer, Serializer, de, ser};

    pub(crate) fn serialize<T, S: Serializer>(_: &T, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("types of components are no trees"))
    }

    pub(crate) fn deserialize<'de, T, D: Deserializer<'de>>(_: D) -> Result<T, D::Error> {
        Err(de::Error::custom("types of components are no trees"))
    }
}

#[cfg(test)]
mod tests {
    use ambit_core::Profile;

    use super::*;
    use crate::{AdmitRules, admit};

    fn admitted(text: &str) -> Verified {
        let rules = AdmitRules::from_policy(&Profile::Default.policy());
        admit(wat::parse_str(text).expect("text"), &rules).expect("admitted")
    }

    const MODULE: &str = "(module
        (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))
        (memory (export \"memory\") 1 10) (table 3 funcref) (global (export \"g\") (mut i64) (i64.const 1))
        (func $start) (start $start) (func (export \"_start\")) (func (export \"f\") (param f32 v128) (result i32) i32.const 0)
        (data (i32.const 0) \"data\") (@custom \"name of mine\" \"x\"))";

    #[test]
    fn what_is_known_is_all_there_once_more() {
        let module = admitted(MODULE);
        let again = Verified::from_facts(&module.facts().expect("facts")).expect("they are");
        // Everything: whatever is added to the facts is printed with them.
        assert_eq!(format!("{:?}", again.facts), format!("{:?}", module.facts));
        assert!(again.bytes().is_empty() && !module.bytes().is_empty());
    }

    #[test]
    fn facts_are_of_one_module() {
        let (module, other) = (admitted(MODULE), admitted("(module)"));
        let facts = module.facts().expect("facts");
        let of = |module: &Verified| Verified::recalled(&Hashed::of(Arc::clone(module.bytes())), &facts);
        assert_eq!(of(&module).expect("it is").bytes(), module.bytes());
        assert!(of(&other).is_none());
        assert!((0..facts.len()).all(|at| Verified::from_facts(&facts[..at]).is_none()), "cut short they are none");
        assert!(Verified::from_facts(&[0xff; 64]).is_none());
    }

    #[test]
    fn a_component_has_none_to_tell() {
        assert!(admitted("(component)").facts().is_none());
    }
}
