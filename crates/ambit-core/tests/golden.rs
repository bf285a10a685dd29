//! The JSON of a report, for every outcome, kept as golden files: programs read it. `AMBIT_BLESS=1` rewrites them.

use std::{fs, path::PathBuf};

use ambit_core::{
    ArtifactSource, Digest, EngineId, Frame, Isolation, LimitKey, Outcome, Profile, RejectReason, Rejection, Report, ResultValue,
    RunId, TrapKind, Usage, Violation,
};

/// Every outcome, with the name of its golden file. The match makes a new outcome a compile error until it is here.
fn outcomes() -> Vec<(&'static str, Outcome)> {
    let frame = Frame {
        function: "parse".into(),
        module: Some("tool".into()),
        offset: Some(0x1f4),
        source: Some("src/parse.rs:7:13".into()),
    };
    let bare = Frame { function: "func[3]".into(), module: None, offset: None, source: None };
    let all = vec![
        Outcome::Exited { code: 0 },
        Outcome::Trapped {
            trap: TrapKind::MemoryOutOfBounds,
            message: "wasm trap: out of bounds memory access".into(),
            frames: vec![frame, bare],
        },
        Outcome::LimitExceeded { limit: LimitKey::Memory, allowed: 64 << 20, used: Some(65 << 20) },
        Outcome::Rejected(Rejection::new(RejectReason::ImportDenied, "the module imports `other` `f`")),
        Outcome::Cancelled { by: "user".into() },
        Outcome::Killed { signal: "SIGSYS".into() },
        Outcome::Lost { reason: "the host panicked: a bug".into() },
    ];
    all.into_iter()
        .map(|outcome| {
            let name = match outcome {
                Outcome::Exited { .. } => "exited",
                Outcome::Trapped { .. } => "trapped",
                Outcome::LimitExceeded { .. } => "limit-exceeded",
                Outcome::Rejected(_) => "rejected",
                Outcome::Cancelled { .. } => "cancelled",
                Outcome::Killed { .. } => "killed",
                Outcome::Lost { .. } => "lost",
            };
            (name, outcome)
        })
        .collect()
}

fn report(outcome: Outcome) -> Report {
    let ran = !matches!(outcome, Outcome::Rejected(_));
    let results = match outcome {
        Outcome::Exited { .. } => vec![
            ResultValue::I32(-1),
            ResultValue::I64(i64::MAX),
            ResultValue::F32(1.5f32.to_bits()),
            ResultValue::F64(f64::NAN.to_bits()),
            ResultValue::V128(7),
        ],
        _ => Vec::new(),
    };
    let usage = Usage {
        wall_ns: Some(1_500_000),
        cpu_ns: ran.then_some(1_200_000),
        fuel: None,
        peak_memory_bytes: ran.then_some(1 << 20),
        output_bytes: ran.then_some(13),
        disk_bytes: ran.then_some(0),
        files_created: ran.then_some(0),
        host_calls: ran.then_some(4),
        compile_ns: ran.then_some(900_000),
        instantiate_ns: ran.then_some(30_000),
        queue_ns: None,
    };
    Report {
        run: RunId(7),
        outcome,
        results,
        value: None,
        usage,
        violations: vec![Violation {
            rule: "dirs".into(),
            attempt: "open for writing `x` in /d, which is read-only".into(),
            count: 2,
        }],
        policy: ran.then(|| Profile::Default.policy().resolve(Isolation::None).expect("enforceable")),
        module: Some(Digest::of(b"module")),
        name: Some("tool.wasm".into()),
        engine: ran.then_some(EngineId::Wasmtime),
        engine_version: ran.then(|| "48.0.8".into()),
        isolation: Isolation::None,
        layers: Vec::new(),
        artifact: ran.then_some(ArtifactSource::Compiled),
    }
}

#[test]
fn reports_keep_their_shape() {
    for (name, outcome) in outcomes() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
        let mut text = serde_json::to_string_pretty(&report(outcome).view()).expect("serialises");
        text.push('\n');
        if std::env::var_os("AMBIT_BLESS").is_some() {
            fs::write(&path, &text).expect("written");
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert!(text == golden, "{} differs; look at the change, then AMBIT_BLESS=1:\n{text}", path.display());
    }
}

#[test]
fn a_report_crosses_processes_as_it_is() {
    for (_, outcome) in outcomes() {
        let report = report(outcome);
        let bytes = postcard::to_stdvec(&report).expect("encodes");
        assert_eq!(postcard::from_bytes::<Report>(&bytes).expect("decodes"), report);
        let json = serde_json::to_string(&report).expect("encodes");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("decodes"), report);
    }
}
