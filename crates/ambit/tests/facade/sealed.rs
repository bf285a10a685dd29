//! Compiled modules that leave the process, and the stream of events.

use ambit::{CompilerConfig, Event, Heard, Optimize, RejectReason, SealKey};

use crate::{KINDS, builder};

#[test]
fn a_sealed_module_is_loaded_and_runs_elsewhere() {
    let bytes = wat::parse_str(KINDS).expect("valid");
    let key = SealKey::generate();
    let sealed = builder().build().expect("made").load_blocking(&bytes).expect("loaded").seal_blocking(&key).expect("sealed");
    let elsewhere = builder().build().expect("made");
    let module = elsewhere.load_sealed_blocking(&bytes, &sealed, &key).expect("its own seal");
    assert_eq!(module.call_blocking::<_, i32>("add", (40, 2)).expect("returns"), 42);
    assert_eq!(elsewhere.stats().cache.misses, 0);
    let error = elsewhere.load_sealed_blocking(&bytes, &sealed, &SealKey::generate()).expect_err("another key");
    assert!(matches!(error.rejection(), Some(rejection) if rejection.reason == RejectReason::Signature), "{error}");
}

#[test]
fn events_are_heard_from_then_on() {
    let runtime = builder().compiler(CompilerConfig { optimize: Optimize::Nothing, parallel: false }).build().expect("made");
    let module = runtime.load_blocking(wat::parse_str(KINDS).expect("valid")).expect("loaded");
    let mut events = runtime.events();
    module.call_blocking::<_, ()>("nothing", ()).expect("returns");
    assert!(matches!(events.next_blocking(), Some(Heard::Event(Event::Started { .. }))));
    assert!(matches!(events.next_blocking(), Some(Heard::Event(Event::Ended { .. }))));
    drop((module, runtime));
    assert_eq!(events.next_blocking(), None);
}
