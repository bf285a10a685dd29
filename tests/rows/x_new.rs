//! Rows X1, X2 and X12: what none of the earlier designs had.

use ambit_core::{
    Enforcement, EngineId, Feature, GrantKey, Grants, Isolation, LimitKey, LimitsSpec, NetGrant, PolicySpec, Profile, ResultValue,
};

use crate::door::{Ask, Door, shown};

#[test]
fn x1_no_limit_is_accepted_that_nothing_enforces() {
    for &key in LimitKey::ALL {
        let mut limits = LimitsSpec::default();
        let value = key.spec().max;
        limits.set(key.name(), &value.replace(' ', "")).unwrap_or_else(|error| panic!("{error}"));
        let spec = PolicySpec { limits, ..PolicySpec::default() };
        let policy = Profile::Terminal.policy().narrow(&spec).expect("no ceiling");
        for (&engine, &isolation) in
            EngineId::ALL.iter().flat_map(|engine| Isolation::ALL.iter().map(move |isolation| (engine, isolation)))
        {
            let resolved = policy.clone().resolve_on(engine, isolation);
            match key.enforcement(engine, isolation) {
                Enforcement::By(_) => assert!(resolved.is_ok(), "{key} at {isolation} on {engine}: {resolved:?}"),
                Enforcement::Refused(_) => {
                    let error = resolved.expect_err("refused").to_string();
                    assert!(error.contains(key.name()), "{key} at {isolation} on {engine}: {error}");
                }
            }
        }
    }
}

#[test]
fn x1_no_grant_is_accepted_that_nothing_enforces() {
    let some = || vec!["x".to_owned()];
    let none = Grants::default;
    let cases = [
        (GrantKey::Net, Grants { net: vec![NetGrant("example.org:443".into())], ..none() }),
        (GrantKey::Listen, Grants { listen: some(), ..none() }),
        (GrantKey::Http, Grants { http: some(), ..none() }),
        (GrantKey::Kv, Grants { kv: some(), ..none() }),
        (GrantKey::Config, Grants { config: vec![("a".into(), "b".into())], ..none() }),
        (GrantKey::Secrets, Grants { secrets: some(), ..none() }),
        (GrantKey::Logging, Grants { logging: true, ..none() }),
        (GrantKey::Metrics, Grants { metrics: true, ..none() }),
    ];
    for (key, grants) in cases {
        let mut ask = Ask::new(r#"(module (func (export "_start")))"#, &[]);
        ask.spec.grants = Some(grants);
        let ran = Door::new().run(ask);
        assert_eq!(shown(&ran.report.outcome), "rejected:unenforceable", "{key}");
        assert!(format!("{:?}", ran.report.outcome).contains(&format!("grant `{key}`")), "{:?}", ran.report.outcome);
        assert!(!ran.started, "nothing ran");
    }
}

#[test]
fn x1_no_host_function_is_granted_that_nobody_added() {
    let mut ask = Ask::new(r#"(module (func (export "_start")))"#, &[]);
    ask.spec.grants = Some(Grants { functions: vec!["kv.read".into()], ..Grants::default() });
    let ran = Door::new().run(ask);
    assert_eq!(shown(&ran.report.outcome), "rejected:not-found");
    assert!(format!("{:?}", ran.report.outcome).contains("`functions` grants `kv.read`"), "{:?}", ran.report.outcome);
}

#[test]
fn x2_one_budget_over_memories_and_tables() {
    let door = Door::new();
    let run = |text: &str, limits: &[(&str, &str)]| door.run(Ask::new(text, limits)).report;
    // 8 memories of 100 pages each pass any limit per memory of 64 MiB; together they are 50 MiB.
    let memories = "(memory 100)".repeat(8);
    let text = format!(r#"(module {memories} (func (export "_start")))"#);
    assert_eq!(shown(&run(&text, &[("memory", "49MiB")]).outcome), "limit-exceeded:memory");
    let report = run(&text, &[("memory", "50MiB")]);
    assert_eq!(shown(&report.outcome), "exited:0");
    assert_eq!(report.usage.peak_memory_bytes, Some(50 << 20));
    // Tables count: 10 x 10 000 elements of 8 bytes are 800 000 bytes.
    let tables = "(table 10000 funcref)".repeat(10);
    let text = format!(r#"(module {tables} (memory 4) (func (export "_start")))"#);
    assert_eq!(shown(&run(&text, &[("memory", "1000KiB")]).outcome), "limit-exceeded:memory");
    assert_eq!(run(&text, &[("memory", "2MiB")]).usage.peak_memory_bytes, Some(800_000 + (256 << 10)));
}

#[test]
fn x2_a_thousand_failed_growths_cost_nothing() {
    // Each asks for more than the module itself allows, or than the host can give; then a growth that fits still does.
    let text = r#"(module (memory $m 1 100) (table $t 1 100 funcref)
        (func (export "_start") (local $i i32)
            (loop $again
                (if (i32.ne (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))
                (if (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable))
                (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
            (if (i32.ne (memory.grow (i32.const 99)) (i32.const 1)) (then unreachable))))"#;
    let report = Door::new().run(Ask::new(text, &[("memory", "7MiB")])).report;
    assert_eq!(shown(&report.outcome), "exited:0");
    assert_eq!(report.usage.peak_memory_bytes, Some(100 * 65_536 + 8));
}

#[test]
fn x2_a_refused_growth_is_remembered() {
    let door = Door::new();
    let run = |after: &str| {
        let text = format!(r#"(module (memory 1) (func (export "_start") (drop (memory.grow (i32.const 9999))) {after}))"#);
        shown(&door.run(Ask::new(text, &[])).report.outcome)
    };
    assert_eq!(run(""), "exited:0", "the guest lives with it");
    assert_eq!(run("unreachable"), "limit-exceeded:memory", "the guest does not");
}

#[test]
fn x12_quotas_are_in_the_usage() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut ask = Ask::new(crate::door::guest("bin/writer.wasm"), &[]).command(&["/d/file", "5000"]);
    let grants = ask.spec.grants.get_or_insert_default();
    grants.dirs.push(format!("{}:/d:rw", dir.path().display()).parse().expect("a grant"));
    let report = Door::new().run(ask).report;
    assert_eq!(shown(&report.outcome), "exited:0");
    assert_eq!(report.usage.disk_bytes, Some(5000));
    assert_eq!(report.usage.files_created, Some(1));
    assert!(report.usage.output_bytes > Some(0));
}

#[test]
fn x2_a_growth_that_nobody_was_asked_for_gives_nothing_back() {
    // Tables of 64 bits can be asked to grow by so much that the engine cannot even compute the size.
    let text = |grow: &str| {
        format!(
            r#"(module (memory 0) (table $t i64 1 funcref)
                (func (export "run") (result i32) (local $grown i32) (local $left i32)
                    (local.set $left (i32.const 100))
                    (loop $again
                        (local.set $grown (i32.add (local.get $grown) {grow}))
                        (drop (table.grow $t (ref.null func) (i64.const -1)))
                        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                        (br_if $again (local.get $left)))
                    (local.get $grown)))"#
        )
    };
    let memory = "(i32.ne (memory.grow (i32.const 16)) (i32.const -1))";
    let table = "(i64.ne (table.grow $t (ref.null func) (i64.const 10)) (i64.const -1))";
    for (grow, limits, most) in [(memory, [("memory", "2112KiB")], 2), (table, [("table-elements", "51")], 5)] {
        let mut ask = Ask::new(text(grow), &limits).invoke("run", &[]);
        ask.spec.features.push(Feature::Memory64);
        let ran = Door::new().run(ask);
        assert_eq!(ran.report.results, [ResultValue::I32(most)], "{limits:?}: {:?}", ran.report.outcome);
    }
}
