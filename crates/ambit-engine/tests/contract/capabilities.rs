//! What an engine says of itself is what it does, in either direction.
//!
//! Two fields are shown elsewhere: that there is a pool, by what is asked of pools (`kept.rs`), and limits of what only components have, by
//! the rows of those.

use std::{sync::Arc, task::Poll};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Feature, FeatureSet, LimitKey, Outcome, Policy, RejectReason, ResultValue};
use ambit_engine::{Engine, HostFunctions, Settings};

use crate::drive::{Rig, Tested, on_each_engine, policy};

/// A module that needs a feature, and no other that is not allowed by default; what `f` returns. None for features of components.
fn needs(feature: Feature) -> Option<&'static str> {
    Some(match feature {
        Feature::MutableGlobal => {
            r#"(module (global (export "g") (mut i32) (i32.const 7)) (func (export "f") (result i32) (global.get 0)))"#
        }
        Feature::SignExtension => {
            r#"(module (func (export "f") (result i32) (i32.add (i32.extend8_s (i32.const 255)) (i32.const 8))))"#
        }
        Feature::SaturatingFloatToInt => {
            r#"(module (func (export "f") (result i32) (i32.add (i32.trunc_sat_f32_s (f32.const nan)) (i32.const 7))))"#
        }
        Feature::MultiValue => {
            r#"(module (func $two (result i32 i32) (i32.const 3) (i32.const 4)) (func (export "f") (result i32) (i32.add (call $two))))"#
        }
        Feature::BulkMemory => {
            r#"(module (memory 1) (func (export "f") (result i32)
                (memory.fill (i32.const 0) (i32.const 7) (i32.const 1)) (i32.load (i32.const 0))))"#
        }
        Feature::ReferenceTypes => {
            r#"(module (table 1 externref) (func (export "f") (result i32)
                (i32.mul (ref.is_null (table.get 0 (i32.const 0))) (i32.const 7))))"#
        }
        Feature::Simd => r#"(module (func (export "f") (result i32) (i32x4.extract_lane 2 (i32x4.splat (i32.const 7)))))"#,
        Feature::TailCall => r#"(module (func $g (result i32) (i32.const 7)) (func (export "f") (result i32) (return_call $g)))"#,
        Feature::ExtendedConst => {
            r#"(module (global i32 (i32.add (i32.const 3) (i32.const 4))) (func (export "f") (result i32) (global.get 0)))"#
        }
        Feature::MultiMemory => {
            r#"(module (memory 1) (memory 1) (data (memory 1) (i32.const 0) "\07") (func (export "f") (result i32)
                (i32.load 1 (i32.const 0))))"#
        }
        Feature::RelaxedSimd => {
            r#"(module (func (export "f") (result i32)
                (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (f32x4.splat (f32.const 7))))))"#
        }
        Feature::Memory64 => {
            r#"(module (memory i64 1) (data (i64.const 0) "\07") (func (export "f") (result i32) (i32.load (i64.const 0))))"#
        }
        Feature::Exceptions => {
            r#"(module (tag $t (param i32)) (func (export "f") (result i32)
                (block $caught (result i32) (try_table (catch $t $caught) (throw $t (i32.const 7))) (unreachable))))"#
        }
        Feature::FunctionReferences => {
            r#"(module (type $t (func (result i32))) (elem declare func $g) (func $g (type $t) (i32.const 7))
                (func (export "f") (result i32) (call_ref $t (ref.func $g))))"#
        }
        Feature::Gc => {
            r#"(module (type $s (struct (field i32))) (func (export "f") (result i32)
                (struct.get $s 0 (struct.new $s (i32.const 7)))))"#
        }
        Feature::ComponentModel | Feature::ComponentAsync => return None,
        Feature::Threads => r#"(module (memory 1 1 shared) (func (export "f") (result i32) (i32.const 7)))"#,
    })
}

/// The policy with all features that can be had.
fn everything() -> Policy {
    let features: FeatureSet = Feature::ALL.iter().copied().filter(|feature| *feature != Feature::Threads).collect();
    let mut policy = policy(&[]);
    policy.features = features;
    policy
}

fn runs(engine: Tested, text: &str) -> bool {
    let policy = everything();
    let bytes = wat::parse_str(text).expect("valid text");
    // What admission refuses runs nowhere.
    let Ok(module) = ambit_admit::admit(bytes, &AdmitRules::from_policy(&policy)) else { return false };
    match engine.with(HostFunctions::new()).compile(&module, &Settings::shared_process(&policy)) {
        Ok(_) => {
            let (outcome, results) = Rig::load(engine.with(HostFunctions::new()), text.as_bytes(), policy).run("f", &[]);
            assert_eq!((outcome, results), (Outcome::Exited { code: 0 }, vec![ResultValue::I32(7)]), "{text}");
            true
        }
        Err(rejection) => {
            assert_eq!(rejection.reason, RejectReason::UnsupportedFeature, "{rejection}");
            false
        }
    }
}

/// The limit by which a run of `f` under it ended, if one did.
fn ended_by(engine: Tested, text: &str, key: LimitKey, value: &str) -> Option<LimitKey> {
    let rig = Rig::on(engine, text, &[(key.name(), value)]);
    match rig.run("f", &[]).0 {
        Outcome::LimitExceeded { limit, .. } => Some(limit),
        _ => None,
    }
}

/// Whether a limit bites; `None` for those of components.
fn bites(engine: Tested, key: LimitKey) -> Option<bool> {
    let check = |text, value| Some(ended_by(engine, text, key, value) == Some(key));
    match key {
        LimitKey::Memory => check(
            r#"(module (memory 1) (func (export "f") (if (i32.eq (memory.grow (i32.const 20)) (i32.const -1)) (then unreachable))))"#,
            "1MiB",
        ),
        LimitKey::TableElements => check(r#"(module (table 2000 funcref) (func (export "f")))"#, "1000"),
        LimitKey::Tables => check(r#"(module (table 1 funcref) (table 1 funcref) (func (export "f")))"#, "1"),
        LimitKey::Memories => check(r#"(module (memory 1) (memory 1) (func (export "f")))"#, "1"),
        LimitKey::Stack => check(r#"(module (func $f (export "f") (call $f)))"#, "256KiB"),
        LimitKey::Fuel => check(r#"(module (func (export "f") (loop (br 0))))"#, "10000"),
        // The scheduler keeps these, of a guest that gives the thread back.
        LimitKey::CpuTime | LimitKey::WallTime | LimitKey::Cpus => Some(yields(engine)),
        LimitKey::Instances | LimitKey::Handles | LimitKey::ResourceTable | LimitKey::HostBuffers => None,
        // Not an engine's to keep.
        LimitKey::Output
        | LimitKey::LogBytes
        | LimitKey::LogRate
        | LimitKey::Disk
        | LimitKey::FileSize
        | LimitKey::Files
        | LimitKey::OpenFiles
        | LimitKey::Connections
        | LimitKey::NetBytes
        | LimitKey::ModuleSize
        | LimitKey::CompileTime
        | LimitKey::CompileMemory => Some(false),
    }
}

/// Whether a guest that calls `f` gives the thread back, more than once.
fn gives_back(engine: Tested, text: &str) -> bool {
    let rig = Rig::on(engine, text, &[]);
    let mut guest = rig.guest(rig.host(), rig.call("f", &[]));
    (0..3).all(|_| guest.slice() == Poll::Pending)
}

fn yields(engine: Tested) -> bool {
    gives_back(engine, r#"(module (func (export "f") (loop (br 0))))"#)
}

/// Fuel that filling so many bytes takes.
fn fuel_to_fill(engine: Tested, bytes: u32) -> u64 {
    let text = format!(r#"(module (memory 64) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const {bytes}))))"#);
    let rig = Rig::on(engine, &text, &[("fuel", "1G")]);
    let mut guest = rig.guest(rig.host(), rig.call("f", &[]));
    guest.end();
    guest.meter.fuel()
}

/// The bits of a NaN with a payload, after it was added to.
fn nan(engine: Tested, deterministic: bool) -> Vec<ResultValue> {
    let text = r#"(module (func (export "f") (param f32) (result i32)
        (i32.reinterpret_f32 (f32.add (local.get 0) (f32.const 1)))))"#;
    let mut policy = policy(&[]);
    policy.deterministic = deterministic;
    let rig = Rig::load(engine.with(HostFunctions::new()), text.as_bytes(), policy);
    rig.run("f", &[ResultValue::F32(0x7fc0_0001)]).1
}

on_each_engine! {
    fn what_an_engine_claims_is_what_it_does(engine) {
        let claims = engine.with(HostFunctions::new()).capabilities();
        for &feature in Feature::ALL {
            if let Some(text) = needs(feature) {
                assert_eq!(claims.features.contains(feature), runs(engine, text), "{feature}");
            }
        }
        let component = include_bytes!("../../../../guests/bin/hello-p2.wasm").to_vec();
        let module: Verified = ambit_admit::admit(component, &AdmitRules::from_policy(&everything())).expect("admitted");
        let compiled = engine.with(HostFunctions::new()).compile(&module, &Settings::shared_process(&everything())).is_ok();
        assert_eq!((claims.components, claims.features.contains(Feature::ComponentModel)), (compiled, compiled));
        for &key in LimitKey::ALL {
            let expect = bites(engine, key).unwrap_or(claims.components);
            assert_eq!(claims.limits.contains(&key), expect, "{key}");
        }
        assert_eq!(claims.yields, yields(engine));
        let start = r#"(module (func $start (loop (br 0))) (start $start) (func (export "f")))"#;
        assert_eq!(claims.start_interruptible, gives_back(engine, start));
        let (short, long) = (fuel_to_fill(engine, 64), fuel_to_fill(engine, 4 << 20));
        assert_eq!(claims.bulk_fuel_by_length, long > short + 10_000, "{short} {long}");
        assert_eq!(claims.deterministic, nan(engine, true) == [ResultValue::I32(0x7fc0_0000)]);
        let trapped = Rig::on(engine, r#"(module (func (export "f") unreachable))"#, &[]).run("f", &[]).0;
        let traced = matches!(trapped, Outcome::Trapped { frames, .. } if !frames.is_empty());
        assert_eq!(claims.stack_trace, traced);
        let engine: Arc<dyn Engine> = engine.with(HostFunctions::new());
        assert_eq!(claims.compiler.is_some(), engine.id().compiles());
    }
}
