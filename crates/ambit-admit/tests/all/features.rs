//! Every feature: refused by name unless it is allowed, then accepted and noted.

use ambit_core::{Feature, FeatureSet, RejectReason};

use crate::check::{accept, allowing_all, refuse, rules};

/// A module that needs `feature` and otherwise only what every policy allows.
fn module(feature: Feature) -> &'static str {
    match feature {
        Feature::MutableGlobal => r#"(module (global (export "g") (mut i32) (i32.const 0)))"#,
        Feature::SignExtension => "(module (func (drop (i32.extend8_s (i32.const 1)))))",
        Feature::SaturatingFloatToInt => "(module (func (drop (i32.trunc_sat_f32_s (f32.const 1)))))",
        Feature::MultiValue => "(module (func (result i32 i32) (i32.const 1) (i32.const 2)))",
        Feature::BulkMemory => "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        Feature::ReferenceTypes => "(module (table 1 externref))",
        Feature::Simd => "(module (func (param v128)))",
        Feature::TailCall => "(module (func return_call 0))",
        Feature::ExtendedConst => "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
        Feature::MultiMemory => "(module (memory 1) (memory 1))",
        Feature::ComponentModel => "(component)",
        Feature::RelaxedSimd => "(module (func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))))",
        Feature::Memory64 => "(module (memory i64 1))",
        Feature::Exceptions => "(module (tag (param i32)))",
        Feature::FunctionReferences => "(module (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))))",
        Feature::Gc => "(module (type (struct (field i32))))",
        Feature::ComponentAsync => "(component (type (stream u8)))",
        Feature::Threads => "(module (memory 1 1 shared))",
    }
}

#[test]
fn each_is_refused_by_name_and_accepted_when_allowed() {
    for &feature in Feature::ALL {
        let without: FeatureSet =
            Feature::ALL.iter().copied().filter(|&other| !FeatureSet::EMPTY.with(other).contains(feature)).collect();
        let mut rules = rules();
        rules.features = without.without(Feature::Threads);
        let rejection = refuse(module(feature), &rules, RejectReason::UnsupportedFeature, &format!("`{feature}`"));
        if feature == Feature::Threads {
            continue;
        }
        assert!(rejection.message.contains(&format!("(allow it with `--feature {feature}`)")), "{rejection}");
        rules.features = rules.features.with(feature);
        assert!(accept(module(feature), &rules).features().contains(feature), "{feature} is noted");
    }
}

#[test]
fn what_is_on_and_off_by_default() {
    for &feature in Feature::ALL {
        if FeatureSet::DEFAULT.contains(feature) {
            accept(module(feature), &rules());
        } else {
            refuse(module(feature), &rules(), RejectReason::UnsupportedFeature, feature.name());
        }
    }
}

#[test]
fn threads_are_never_allowed() {
    let check =
        |module: &str| drop(refuse(module, &rules(), RejectReason::UnsupportedFeature, "`threads`, which is never allowed"));
    check("(module (memory 1 1 shared))");
    check(r#"(module (import "env" "memory" (memory 1 1 shared)))"#);
    check("(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))");
    check("(module (func atomic.fence))");
    check("(component (core module (memory 1 1 shared)))");
    check("(component (core type (module (import \"a\" \"b\" (memory 1 1 shared)))))");
    // It comes first, so that nobody is told to allow something that would not help.
    check("(module (memory i64 1 1 shared))");
}

#[test]
fn several_are_named_together() {
    let module = r#"(module (memory i64 1) (tag) (type (struct)))"#;
    let rejection = refuse(module, &rules(), RejectReason::UnsupportedFeature, "the features `memory64`, `exceptions`, `gc`");
    assert!(rejection.message.contains("`--feature memory64 --feature exceptions --feature gc`"), "{rejection}");
}

#[test]
fn proposals_without_a_name_here_are_named_as_they_are() {
    let check = |module: &[u8], name: &str| drop(refuse(module, &allowing_all(), RejectReason::UnsupportedFeature, name));
    check(b"(module (memory 1 (pagesize 1)))", "`custom-page-sizes`");
    check(b"(module (func (param i64) (result i64 i64) local.get 0 local.get 0 i64.mul_wide_u))", "`wide-arithmetic`");
    check(b"(module (type $f (func)) (type $c (cont $f)))", "`stack-switching`");
    check(b"(module (table shared 1 (ref null (shared func))))", "`shared-everything-threads`");
    check(b"(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))", "`memory-control`");
    check(b"(component (type (map string u8)))", "`cm-map`");
    check(b"(component (type error-context))", "`cm-error-context`");
    // try ... end, of the exceptions that were replaced.
    let legacy =
        [b"\0asm\x01\0\0\0".as_slice(), &[1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 7, 1, 5, 0, 0x06, 0x40, 0x0b, 0x0b]].concat();
    check(&legacy, "`legacy-exceptions`");
}

#[test]
fn what_is_invalid_stays_invalid_whatever_it_also_needs() {
    let module = "(module (memory i64 1) (func (result i32)))";
    refuse(module, &rules(), RejectReason::InvalidModule, "function 0");
}
