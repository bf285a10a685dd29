//! The one door through which every test goes.

use ambit_admit::{AdmitRules, Verified, admit};
use ambit_core::{Feature, Profile, RejectReason, Rejection, ShapeKey, ShapeLimitsSpec};

/// The rules of the default profile.
pub(crate) fn rules() -> AdmitRules {
    AdmitRules::from_policy(&Profile::Default.policy())
}

/// The default rules with one static limit set.
pub(crate) fn limited(key: ShapeKey, limit: u64) -> AdmitRules {
    let mut spec = ShapeLimitsSpec::default();
    spec.set_key(key, &limit.to_string()).expect("the limit is in its range");
    let mut rules = rules();
    rules.shape = rules.shape.with(&spec);
    rules
}

/// The default rules with one more feature.
pub(crate) fn allowing(feature: Feature) -> AdmitRules {
    let mut rules = rules();
    rules.features = rules.features.with(feature);
    rules
}

/// Every feature allowed, also what no policy allows.
pub(crate) fn allowing_all() -> AdmitRules {
    let mut rules = rules();
    rules.features = Feature::ALL.iter().copied().collect();
    rules
}

/// Binary as it is, text converted.
pub(crate) fn bytes(module: impl AsRef<[u8]>) -> Vec<u8> {
    let module = module.as_ref();
    let text = module.trim_ascii_start().starts_with(b"(");
    if text { wat::parse_bytes(module).expect("the test's text is well-formed").into_owned() } else { module.to_vec() }
}

/// Admits a module that must be admissible.
pub(crate) fn accept(module: impl AsRef<[u8]>, rules: &AdmitRules) -> Verified {
    admit(bytes(module), rules).unwrap_or_else(|rejection| panic!("refused: {rejection}"))
}

/// Refuses a module that must be refused, for this reason and with this in the message.
pub(crate) fn refuse(module: impl AsRef<[u8]>, rules: &AdmitRules, reason: RejectReason, part: &str) -> Rejection {
    let rejection = match admit(bytes(module), rules) {
        Ok(_) => panic!("admitted, but expected {reason} with `{part}`"),
        Err(rejection) => rejection,
    };
    assert!(rejection.reason == reason && rejection.message.contains(part), "expected {reason} with `{part}`, got {rejection}");
    assert!(!rejection.message.contains(|c: char| c.is_control()), "not escaped: {rejection:?}");
    rejection
}
