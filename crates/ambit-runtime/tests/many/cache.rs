//! The cache of compiled modules.

use std::{sync::Arc, thread};

use ambit_admit::AdmitRules;
use ambit_core::{ByteSize, RejectReason, ResultValue};
use ambit_engine::{
    Call,
    wasmtime::{CompilerConfig, Optimize},
};
use ambit_runtime::{Module, RunRequest, RuntimeConfig, Streams};

use crate::{World, policy, shown};

#[test]
fn one_that_many_ask_for_at_once_is_compiled_once() {
    let world = World::new(RuntimeConfig { cores: 2, ..RuntimeConfig::default() });
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(shown(world.start("nothing", &[], policy(&[])).wait().outcome()), "exited:0"));
        }
    });
    let cache = world.runtime.stats().cache;
    assert_eq!((cache.misses, cache.hits + cache.joined, cache.modules), (1, 19, 1), "{cache:?}");
}

#[test]
fn other_settings_are_another_compilation() {
    let world = World::new(RuntimeConfig::default());
    world.start("nothing", &[], policy(&[])).wait();
    world.start("nothing", &[], policy(&[("fuel", "1000000")])).wait();
    assert_eq!(world.runtime.stats().cache.misses, 2);
    let plain = world.runtime.load(&world.module, &policy(&[])).expect("compiled");
    let request = RunRequest {
        module: Module::Loaded(plain),
        policy: Arc::new(policy(&[("fuel", "1000000")])),
        call: Call::invoke(&world.module, "spin", &[]).expect("exported"),
        streams: Streams::default(),
        since: None,
        name: "guest".into(),
        tenant: None,
    };
    let rejection = world.runtime.run(request).expect_err("its code counts no fuel");
    assert_eq!(rejection.reason, RejectReason::Policy, "{rejection}");
}

#[test]
fn it_holds_no_more_than_it_may_and_drops_what_was_least_wanted() {
    let world = World::new(RuntimeConfig { cache: ByteSize::kib(64), ..RuntimeConfig::default() });
    for i in 0..20 {
        let text = format!("(module (func (export \"f\") (result i32) (i32.const {i})))");
        let module = ambit_admit::admit(wat::parse_str(text).expect("valid"), &AdmitRules::from_policy(&policy(&[])));
        world.runtime.load(&Arc::new(module.expect("admitted")), &policy(&[])).expect("compiled");
    }
    let cache = world.runtime.stats().cache;
    assert!(cache.bytes <= 64 << 10 && cache.evicted > 0, "{cache:?}");
    assert_eq!((cache.modules as u64 + cache.evicted, cache.misses), (20, 20), "{cache:?}");
}

#[test]
fn however_the_compiler_works_the_code_does_the_same() {
    for optimize in [Optimize::Nothing, Optimize::Speed, Optimize::SpeedAndSize] {
        for parallel in [false, true] {
            let world = World::new(RuntimeConfig { compiler: CompilerConfig { optimize, parallel }, ..RuntimeConfig::default() });
            let finished = world.start("add", &["42"], policy(&[])).wait();
            assert_eq!(finished.results(), [ResultValue::I32(42)], "{optimize:?} {parallel}");
        }
    }
}
