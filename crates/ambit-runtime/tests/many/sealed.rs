//! Artifacts that leave the process and come back.

use std::sync::Arc;

use ambit_core::RejectReason;
use ambit_engine::{Call, SealKey};
use ambit_runtime::{Module, RunRequest, RuntimeConfig, Streams};

use crate::{World, policy, shown};

#[test]
fn a_sealed_artifact_runs_in_another_runtime_and_is_not_compiled_there() {
    let (here, there) = (World::new(RuntimeConfig::default()), World::new(RuntimeConfig::default()));
    let key = SealKey::generate();
    let sealed = here.runtime.seal(&here.module, &policy(&[]), &key).expect("compiled");
    let kept = SealKey::from_bytes(key.to_bytes());
    let loaded = there.runtime.load_sealed(&there.module, &policy(&[]), &kept, &sealed).expect("its own seal");
    let request = RunRequest {
        module: Module::Loaded(loaded),
        policy: Arc::new(policy(&[])),
        call: Call::invoke(&there.module, "add", &["5".into()]).expect("exported"),
        streams: Streams::default(),
        since: None,
        name: "guest".into(),
        tenant: None,
    };
    assert_eq!(shown(there.runtime.run(request).expect("accepted").outcome()), "exited:0");
    assert_eq!(shown(there.start("nothing", &[], policy(&[])).wait().outcome()), "exited:0");
    assert_eq!(there.runtime.stats().cache.misses, 0, "the cache has it");
}

#[test]
fn what_was_not_sealed_for_this_is_refused_unseen() {
    let world = World::new(RuntimeConfig::default());
    let key = SealKey::generate();
    let sealed = world.runtime.seal(&world.module, &policy(&[]), &key).expect("compiled");
    let open = |bytes: &[u8], key: &SealKey, limits: &[(&str, &str)]| {
        let refused = world.runtime.load_sealed(&world.module, &policy(limits), key, bytes);
        refused.map(drop).map_err(|rejection| rejection.reason)
    };
    assert_eq!(open(&sealed, &key, &[]), Ok(()));
    let signature = Err(RejectReason::Signature);
    assert_eq!(open(&sealed, &SealKey::generate(), &[]), signature, "another key");
    assert_eq!(open(&sealed, &key, &[("fuel", "1000")]), signature, "other settings: this code counts no fuel");
    for at in (0..sealed.len()).step_by(sealed.len() / 50 + 1).chain([sealed.len() - 1]) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(open(&changed, &key, &[]), signature, "byte {at} changed");
    }
    for length in [0, 7, 8, 39, 40, sealed.len() - 1] {
        assert_eq!(open(&sealed[..length], &key, &[]), signature, "cut off at {length}");
    }
    // Native code as the engine itself writes it, without a seal.
    assert_eq!(open(&sealed[40..], &key, &[]), signature);
    let text = "(module (func (export \"nothing\")))";
    let rules = ambit_admit::AdmitRules::from_policy(&policy(&[]));
    let module = Arc::new(ambit_admit::admit(wat::parse_str(text).expect("valid"), &rules).expect("admitted"));
    let refused = world.runtime.load_sealed(&module, &policy(&[]), &key, &sealed).expect_err("another module");
    assert_eq!(refused.reason, RejectReason::Signature);
    assert!(refused.message.contains("compile the module again"), "{refused}");
}
