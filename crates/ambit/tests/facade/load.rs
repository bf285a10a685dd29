//! Loading and knowing modules.

use ambit::{Error, ExternType, GrantKey, ModuleKind, RejectReason, Severity, Units};

use crate::{KINDS, builder, guest, load, load_in, rejected, runtime, wait, wat};

#[test]
fn what_is_known_of_a_module() {
    let module = load(
        r#"(module (import "env" "time" (func (result i64)))
            (memory (export "memory") 2 5) (table (export "table") 3 funcref)
            (global (export "g") (mut i32) (i32.const 0))
            (func (export "f") (param i32) (result i64) (i64.const 0)))"#,
    );
    let imports: Vec<String> = module.imports().iter().map(ToString::to_string).collect();
    assert_eq!(imports, ["env time: () -> i64"]);
    let exports: Vec<String> = module.exports().iter().map(ToString::to_string).collect();
    assert_eq!(exports, ["memory: memory 2..=5", "table: table 3.. funcref", "g: global mut i32", "f: (i32) -> i64"]);
    assert!(matches!(module.exports()[3].ty, ExternType::Func(_)));
    assert_eq!((module.memories()[0].min_pages, module.tables()[0].min), (2, 3));
    let capabilities: Vec<GrantKey> = module.capabilities().into_iter().map(|(grant, _)| grant).collect();
    assert_eq!(capabilities, [GrantKey::Clock]);
    assert_eq!(module.verified().kind(), ModuleKind::Core);
    assert_eq!(module.size(), module.verified().bytes().len() as u64);
    assert!(module.digest().to_string().starts_with("sha256:"));
    let writer = runtime().load_blocking(guest("writer")).expect("admitted");
    assert_eq!(writer.risks()[0].severity, Severity::Notice, "it opens files");
}

#[test]
fn what_is_no_module_is_refused_and_not_compiled() {
    let runtime = runtime();
    let check = |bytes: &[u8], reason, words: &str| {
        let message = rejected(runtime.load_blocking(bytes), reason);
        assert!(message.contains(words), "{message}");
        let message = rejected(runtime.validate_blocking(bytes), reason);
        assert!(message.contains(words), "{message}");
    };
    check(b"", RejectReason::InvalidModule, "empty");
    check(b"\x7fELF\x02\x01\x01", RejectReason::InvalidModule, "a native program, or an artifact that some engine compiled");
    check(b"\0asm\x01\0\0\0\x01", RejectReason::InvalidModule, "invalid");
    check(&wat("(module (memory 1 1 shared))"), RejectReason::UnsupportedFeature, "threads");
    check(&wat(r#"(module (import "env" "nope" (func)))"#), RejectReason::ImportDenied, "nope");
    assert_eq!(runtime.stats().cache.misses, 0);
}

#[test]
fn validation_compiles_nothing() {
    let runtime = runtime();
    let verified = runtime.validate_blocking(guest("hello")).expect("valid");
    assert!(verified.is_command());
    assert_eq!(runtime.stats().cache.misses, 0);
}

#[test]
fn a_large_module_is_read_elsewhere_with_the_same_result() {
    // 200 kB of functions, and as many bytes too many.
    let functions = "(func (result i32) (i32.const 1))".repeat(30_000);
    let bytes = wat(&format!("(module {functions} (func (export \"f\") (result i32) (i32.const 7)))"));
    assert!(bytes.len() > 100_000);
    let runtime = builder().limit("functions", "200k").build().expect("a runtime");
    wait(async {
        let module = runtime.load(&bytes).await.expect("admitted");
        assert_eq!(module.call::<_, i32>("f", ()).await.expect("it returns"), 7);
        assert_eq!(runtime.validate(&bytes).await.expect("admitted").digest(), module.digest());
        let mut broken = bytes.clone();
        *broken.last_mut().expect("some") ^= 0x55;
        rejected(runtime.load(&broken).await, RejectReason::InvalidModule);
    });
    let small = builder().limit("module-size", "64KiB").build().expect("a runtime");
    let message = rejected(small.load_blocking(&bytes), RejectReason::InvalidModule);
    assert!(message.contains("the limit `module-size` is 64KiB"), "{message}");
}

#[test]
fn the_same_bytes_are_compiled_once() {
    let runtime = runtime();
    let (first, second) = (load_in(&runtime, KINDS), load_in(&runtime, KINDS));
    assert_eq!(first.digest(), second.digest());
    let cache = runtime.stats().cache;
    assert_eq!((cache.misses, cache.hits), (1, 1));
    wait(async {
        let other = wat(r#"(module (func (export "g")))"#);
        let load = || {
            let (runtime, bytes) = (runtime.clone(), other.clone());
            tokio::spawn(async move { runtime.load(bytes).await.expect("loaded").digest() })
        };
        let (a, b) = (load(), load());
        assert_eq!(a.await.expect("whole"), b.await.expect("whole"));
    });
    assert_eq!(runtime.stats().cache.misses, 2);
}

#[test]
fn a_file_is_read_no_further_than_allowed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("module.wasm");
    std::fs::write(&path, wat(KINDS)).expect("written");
    let runtime = runtime();
    let module = runtime.load_file_blocking(&path).expect("loaded");
    assert_eq!(module.name(), "module.wasm");
    assert_eq!(wait(runtime.load_file(&path)).expect("loaded").digest(), module.digest());
    let missing = dir.path().join("none.wasm");
    match runtime.load_file_blocking(&missing) {
        Err(error @ Error::Read { .. }) => {
            assert_eq!(error.to_string(), format!("cannot read the module `{}`", missing.display()));
        }
        other => panic!("{other:?}"),
    }
    let small = builder().limit("module-size", "100").build().expect("a runtime");
    // A terabyte, on paper: it is not read to its end.
    let long = dir.path().join("long.wasm");
    std::fs::File::create(&long).and_then(|file| file.set_len(1 << 40)).expect("sparse");
    let message = rejected(small.load_file_blocking(&long), RejectReason::InvalidModule);
    assert!(message.contains("the module has 101 bytes"), "{message}");
}

#[test]
fn a_loads_future_may_be_dropped() {
    let runtime = runtime();
    wait(async {
        let bytes = guest("json");
        let patience = tokio::time::timeout(1.millis() / 1000, runtime.load(&bytes)).await;
        drop(patience);
        assert!(runtime.load(&bytes).await.is_ok());
    });
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let runtime = crate::builder().build().expect("made");
    let error = runtime.load_file_blocking("/dev/zero").expect_err("it has no end");
    assert!(std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("no regular file")), "{error}");
}
