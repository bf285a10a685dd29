//! Modules that were compiled before.

use std::{fs, path::Path, sync::Arc, time::Instant};

use ambit_admit::AdmitRules;
use ambit_core::{ArtifactSource, EngineId, Isolation, Metering, Outcome, Policy, Profile, Report, RunId};
use ambit_jail::Spawner;
use ambit_manager::{
    ArtifactCache, CodeCache, CompilerIdentity, Control, Entry, ExtraSyscalls, LaunchConfig, LaunchEvent, LaunchRequest, Launcher,
    Place, Streams,
};

use crate::{door::guest, program::program};

/// A launcher with the artifacts of this store. One whose compilers die as soon as they are in their jails can only run what was
/// compiled before.
fn launcher(store: &Path, compiles: bool) -> Launcher {
    let artifacts = ArtifactCache::open(&Place::open(store).expect("a store"), 1 << 30).expect("a cache");
    let opened = fs::File::open(program()).expect("the program under test");
    let compiler = CompilerIdentity::new(EngineId::Wasmtime, "48", &opened).expect("identity");
    let deny = if compiles { Vec::new() } else { vec!["write".into()] };
    let config = LaunchConfig {
        compiler_syscalls: ExtraSyscalls { deny, ..ExtraSyscalls::default() },
        cache: Some(Arc::new(CodeCache::new(artifacts, compiler).into())),
        ..LaunchConfig::default()
    };
    Launcher::with(Spawner::of(&program()).expect("the program under test"), config)
}

fn policy() -> Arc<Policy> {
    Arc::new(Profile::Default.policy().resolve(Isolation::Process).expect("enforceable"))
}

fn run(launcher: &Launcher) -> (Report, Option<String>) {
    let policy = policy();
    let prepared = launcher.prepare(&policy).expect("processes");
    let module = ambit_admit::admit(guest("bin/hello.wasm"), &AdmitRules::from_policy(&policy)).expect("admitted");
    let request = LaunchRequest {
        run: RunId(1),
        module: Arc::new(module),
        entry: Entry::Command,
        name: "guest".into(),
        streams: Streams::default(),
        since: Instant::now(),
    };
    let (mut refused, mut compiled) = (None, 0);
    let report = launcher.run(prepared, request, &Control::new().expect("a descriptor"), &mut |event| match event {
        LaunchEvent::ArtifactRefused(why) => refused = Some(why.to_owned()),
        LaunchEvent::Compiled => compiled += 1,
        LaunchEvent::Log(_) => {}
    });
    // Whoever shows that something is compiled hears that it is, whether it was now or before.
    assert!(compiled == 1 || !report.outcome.is_success(), "{compiled} times: {:?}", report.outcome);
    assert_eq!(launcher.settle(), Vec::<String>::new());
    (report, refused)
}

#[test]
fn one_that_was_compiled_before_needs_no_compiler() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let (report, _) = run(&launcher(&store, false));
    assert!(!report.outcome.is_success(), "that compiler compiles: {:?}", report.outcome);
    for source in [ArtifactSource::Compiled, ArtifactSource::Cached] {
        let (report, refused) = run(&launcher(&store, true));
        assert_eq!((report.outcome, report.artifact, refused), (Outcome::Exited { code: 0 }, Some(source), None));
    }
    let (report, _) = run(&launcher(&store, false));
    assert_eq!((report.outcome, report.artifact), (Outcome::Exited { code: 0 }, Some(ArtifactSource::Cached)));
    assert_eq!(report.usage.compile_ns, None);
}

#[test]
fn what_is_compiled_for_many_runs_is_kept_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let policy = policy();
    let module = ambit_admit::admit(guest("bin/hello.wasm"), &AdmitRules::from_policy(&policy)).expect("admitted");
    let module = Arc::new(module);
    let control = Control::new().expect("a descriptor");
    for metering in [Metering::Kernel, Metering::Epochs] {
        for from_cache in [false, true] {
            let launcher = launcher(dir.path().join("store").as_path(), true);
            let code = launcher.compile(&module, &policy, metering, &control, None).expect("compiled");
            assert_eq!((code.from_cache(), code.metering()), (from_cache, metering));
            assert_eq!(launcher.settle(), Vec::<String>::new());
        }
    }
}

/// Under the right seal, and nothing that an engine loads: the run fails, and the next does not.
#[test]
fn one_that_no_worker_loads_is_forgotten() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let artifacts = ArtifactCache::open(&Place::open(&store).expect("a store"), 1 << 30).expect("a cache");
    let opened = fs::File::open(program()).expect("the program under test");
    let compiler = CompilerIdentity::new(EngineId::Wasmtime, "48", &opened).expect("identity");
    let settings = ambit_core::CompileSettings::of(&policy(), Metering::Kernel);
    let key = ambit_store::ArtifactKey::new(ambit_core::Digest::of(&guest("bin/hello.wasm")), &settings, &compiler);
    let nonsense = dir.path().join("nonsense");
    fs::write(&nonsense, vec![0; 10_000]).expect("written");
    artifacts.keep(&key, &fs::File::open(nonsense).expect("open")).expect("kept");
    let (report, _) = run(&launcher(&store, true));
    assert!(matches!(report.outcome, Outcome::Rejected(_)), "{:?}", report.outcome);
    let (report, _) = run(&launcher(&store, true));
    assert_eq!((report.outcome, report.artifact), (Outcome::Exited { code: 0 }, Some(ArtifactSource::Compiled)));
}
