//! Modules that were admitted before.

use std::path::Path;

use ambit_admit::{AdmitRules, Hashed, admit, admit_again};
use ambit_core::{Digest, ImportPolicy, RejectReason};

use crate::check::{allowing_all, rules};

/// All that an engine and a host go by.
#[test]
fn what_its_sections_say_is_known_again() {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/bin");
    let rules = AdmitRules { imports: ImportPolicy::standard(), ..allowing_all() };
    let mut seen = 0;
    for entry in std::fs::read_dir(guests).expect("a directory") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("readable");
        let Ok(first) = admit(bytes.clone(), &rules) else { continue };
        let hashed = Hashed::of(bytes);
        assert_eq!(hashed.digest(), first.digest());
        let again = admit_again(hashed, &rules).expect("admitted");
        let known = |module: &ambit_admit::Verified| {
            let (imports, exports) = (module.imports().to_vec(), module.exports().to_vec());
            let entries: Vec<String> = module.entries().iter().map(ToString::to_string).collect();
            format!(
                "{} {:?} {imports:?} {exports:?} {entries:?} {:?} {:?}",
                module.kind(),
                module.digest(),
                module.memories(),
                module.tables()
            )
        };
        assert_eq!(known(&again), known(&first), "{}", path.display());
        assert_eq!(again.bytes(), first.bytes());
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn sections_are_held_to_the_rules_again() {
    let check = |text: &str, reason: RejectReason| {
        let bytes = wat::parse_str(text).expect("valid text");
        let refused = admit_again(Hashed::of(bytes), &rules()).expect_err(text);
        assert_eq!(refused.reason, reason, "{text}");
    };
    check("(module (memory 1 1 shared))", RejectReason::UnsupportedFeature);
    check("(module (import \"nobody\" \"nothing\" (func)))", RejectReason::ImportDenied);
    let cut = wat::parse_str("(module (func))").expect("valid text");
    assert!(admit_again(Hashed::of(&cut[..cut.len() - 1]), &allowing_all()).is_err());
    assert!(admit_again(Hashed::of(*b"ELF"), &allowing_all()).is_err());
    // A digest is of bytes, and of nothing that is said of them.
    assert_eq!(Hashed::of(*b"x").digest(), Digest::of(b"x"));
}
