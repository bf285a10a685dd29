use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::PathBuf};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::Profile;
use semver::Version;

use super::*;
use crate::{Called, Metadata, Reference};

struct Fixture {
    dir: tempfile::TempDir,
}

/// A module that is no other number's.
fn module(number: usize) -> Verified {
    let text = format!("(module (memory 1) (data (i32.const 0) \"{}\"))", format!("module {number} ").repeat(50));
    let rules = AdmitRules::from_policy(&Profile::Default.policy());
    ambit_admit::admit(wat::parse_str(text).expect("valid text"), &rules).expect("admitted")
}

fn called(name: &str, version: &str) -> Add {
    let called = Called { name: name.parse().expect("a name"), version: version.parse().expect("a version") };
    Add { called: Some(called), ..Add::default() }
}

fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

fn ours() -> Namespace {
    Namespace::default()
}

impl Fixture {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn open(&self) -> Store {
        self.with(StoreOptions::default())
    }

    fn with(&self, options: StoreOptions) -> Store {
        Store::open(Place::open(&self.path()).expect("a place"), options).expect("a store")
    }

    /// The files below a directory of the store.
    fn files(&self, below: &str) -> Vec<PathBuf> {
        fn walk(dir: PathBuf, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { walk(path, files) } else { files.push(path) }
            }
        }
        let mut files = Vec::new();
        walk(self.path().join(below), &mut files);
        files.sort();
        files
    }
}

fn tamper(path: &Path, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("readable");
    with(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions");
    fs::OpenOptions::new().write(true).truncate(true).open(path).and_then(|mut file| file.write_all(&bytes)).expect("written");
}

fn run(store: &Store, text: &str) -> Result<Vec<u8>, StoreError> {
    Ok(store.load(&store.resolve(&ours(), &reference(text))?.record)?.into_parts().0)
}

#[test]
fn what_is_asked_for_is_found() {
    let fixture = Fixture::new();
    let store = fixture.open();
    for (number, version) in ["1.0.0", "1.2.0", "1.10.0", "2.0.0-beta.1"].into_iter().enumerate() {
        let tags = if number == 1 { vec!["stable".parse().expect("a tag")] } else { Vec::new() };
        assert!(store.add(&module(number), Add { tags, ..called("tools/t", version) }).expect("added").new);
    }
    store.alias(&ours(), &"t".parse().expect("a name"), &reference("tools/t")).expect("an alias");
    let digest = module(0).digest();
    for store in [store, fixture.open()] {
        let check = |text: &str, expect: &str| {
            let found = store.resolve(&ours(), &reference(text)).expect("found").record;
            assert_eq!(found.called.expect("called").version, expect.parse::<Version>().expect("a version"), "{text}");
        };
        check("tools/t", "1.10.0");
        check("tools/t@1.2.0", "1.2.0");
        check("tools/t@~1.0", "1.0.0");
        check("tools/t@<1.10", "1.2.0");
        check("tools/t:stable", "1.2.0");
        check(&format!("tools/t@{digest}"), "1.0.0");
        check(&digest.to_string(), "1.0.0");
        check("t", "1.10.0");
        check("t@^1.2, <1.5", "1.2.0");
        check("t:stable", "1.2.0");
        check("tools/t@2.0.0-beta.1", "2.0.0-beta.1");
        for missing in ["tools/t@3", "tools/t:none", "tools", "tools/t@9.9.9", &module(9).digest().to_string()] {
            assert!(matches!(store.resolve(&ours(), &reference(missing)), Err(StoreError::NotFound { .. })), "{missing}");
        }
        let theirs: Namespace = "theirs".parse().expect("a namespace");
        for text in ["tools/t", &digest.to_string()] {
            assert!(store.resolve(&theirs, &reference(text)).is_err(), "what is one tenant's is not another's");
        }
        assert_eq!(run(&store, "t@1.0.0").expect("loaded"), **module(0).bytes());
        assert!(store.info(&ours(), &reference("t@1.0.0")).expect("known").uses > 0);
    }
}

#[test]
fn a_version_is_never_another_module_and_the_same_is_stored_once() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    assert!(matches!(store.add(&module(2), called("a", "1.0.0")), Err(StoreError::Taken { .. })));
    let metadata = Metadata { description: Some("better said".into()), ..Metadata::default() };
    assert!(!store.add(&module(1), Add { metadata: metadata.clone(), ..called("a", "1.0.0") }).expect("added").new);
    assert!(!store.add(&module(1), called("b", "1.0.0")).expect("added").new);
    assert!(!store.add(&module(1), Add::default()).expect("added").new);
    assert_eq!(fixture.files("blobs").len(), 1);
    assert_eq!(store.info(&ours(), &reference("a")).expect("known").record.metadata, metadata);
    assert_eq!(store.list(None).expect("a list").len(), 3);
    let long = Metadata { description: Some("x".repeat(5000)), ..Metadata::default() };
    assert!(matches!(store.add(&module(1), Add { metadata: long, ..called("c", "1.0.0") }), Err(StoreError::Refused(_))));
}

#[test]
fn life_003_a_run_goes_on_with_a_module_that_is_removed() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    let loaded = store.load(&store.resolve(&ours(), &reference("a")).expect("found").record).expect("loaded");
    let (removed, gone) = store.remove(&ours(), &reference("a"), false).expect("removed");
    assert_eq!((removed.digest, gone), (module(1).digest(), false));
    assert!(matches!(run(&store, "a"), Err(StoreError::NotFound { .. })));
    assert_eq!(store.gc().expect("collected").unknown, 0, "it runs");
    let (bytes, lease) = loaded.into_parts();
    assert_eq!(bytes, **module(1).bytes());
    drop(lease);
    assert_eq!(store.gc().expect("collected").unknown, 1);
    assert_eq!(fixture.files("blobs").len(), 0);
}

#[test]
fn life_005_a_tag_that_moves_moves_no_run() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    store.add(&module(2), called("a", "2.0.0")).expect("added");
    let tag = "live".parse().expect("a tag");
    store.tag(&ours(), &reference("a@1.0.0"), &tag).expect("tagged");
    let before = store.resolve(&ours(), &reference("a:live")).expect("found").record;
    store.tag(&ours(), &reference("a@2.0.0"), &tag).expect("tagged");
    assert_eq!(store.load(&before).expect("loaded").into_parts().0, **module(1).bytes());
    assert_eq!(run(&store, "a:live").expect("loaded"), **module(2).bytes());
    assert!(store.untag(&ours(), &"a".parse().expect("a name"), &tag).expect("untagged"));
    assert!(run(&store, "a:live").is_err());
}

#[test]
fn life_004_no_half_module_is_ever_seen() {
    let fixture = Fixture::new();
    let options = StoreOptions { limit: Some(1500), settle: Duration::ZERO };
    let _ = fixture.with(options);
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let fixture = &fixture;
            scope.spawn(move || {
                let store = fixture.with(options);
                for round in 0..30 {
                    let number = (worker * 7 + round * 3) % 20;
                    let name = format!("m{number}");
                    match round % 3 {
                        0 => drop(store.add(&module(number), called(&name, "1.0.0")).expect("added")),
                        1 => match run(&store, &name) {
                            Ok(bytes) => assert_eq!(bytes, **module(number).bytes()),
                            Err(StoreError::NotFound { .. }) => {}
                            Err(error) => panic!("{}", error.full()),
                        },
                        _ => drop(store.gc().expect("collected")),
                    }
                }
            });
        }
    });
    let fsck = fixture.open().fsck(false).expect("checked");
    assert_eq!(fsck.findings, []);
}

#[test]
fn the_least_lately_used_are_evicted_and_what_is_wanted_stays() {
    let fixture = Fixture::new();
    let unlimited = fixture.with(StoreOptions { settle: Duration::ZERO, ..StoreOptions::default() });
    let keep = Metadata { labels: vec!["keep".parse().expect("a label")], ..Metadata::default() };
    let dear = Metadata { priority: 1, ..Metadata::default() };
    for (number, metadata) in
        [Metadata::default(), Metadata::default(), keep, Metadata::default(), dear, Metadata::default()].into_iter().enumerate()
    {
        unlimited.add(&module(number), Add { metadata, ..called(&format!("m{number}"), "1.0.0") }).expect("added");
    }
    unlimited.pin(&ours(), &reference("m3")).expect("pinned");
    // Time passes, so that it is not just stored.
    std::thread::sleep(Duration::from_millis(1100));
    let running = unlimited.load(&unlimited.resolve(&ours(), &reference("m1")).expect("found").record).expect("loaded");
    let blob = fixture.files("blobs").iter().map(|path| fs::metadata(path).expect("there").len()).max().expect("one");
    let limit = |blobs: u64| StoreOptions { limit: Some(blobs * blob), settle: Duration::ZERO };
    let there = |store: &Store| -> Vec<bool> { (0..6).map(|n| run(store, &format!("m{n}")).is_ok()).collect() };
    let collected = fixture.with(limit(5)).gc().expect("collected");
    assert!(
        !collected.evicted.is_empty() && collected.evicted.iter().all(|title| ["m0@1.0.0", "m5@1.0.0"].contains(&title.as_str())),
        "{collected:?}"
    );
    let collected = fixture.with(limit(1)).gc().expect("collected");
    assert_eq!(there(&unlimited), [false, true, true, true, false, false], "running, kept, pinned: {collected:?}");
    drop(running);
    // It was stored and used just now, which counts unless it is said not to.
    fixture.with(StoreOptions { settle: Duration::from_secs(60), ..limit(1) }).gc().expect("collected");
    assert!(run(&unlimited, "m1").is_ok());
    std::thread::sleep(Duration::from_millis(1100));
    fixture.with(limit(1)).gc().expect("collected");
    assert_eq!(there(&unlimited), [false, false, true, true, false, false]);
    unlimited.unpin(&ours(), &reference("m3")).expect("unpinned");
    std::thread::sleep(Duration::from_millis(1100));
    fixture.with(limit(1)).gc().expect("collected");
    assert_eq!(there(&unlimited), [false, false, true, false, false, false]);
    assert_eq!(unlimited.fsck(false).expect("checked").findings, []);
}

#[test]
fn what_another_needs_is_not_removed_unasked() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("lib", "1.0.0")).expect("added");
    store.add(&module(2), called("lib", "1.1.0")).expect("added");
    let metadata = Metadata { dependencies: vec!["lib@^1".parse().expect("a dependency")], ..Metadata::default() };
    store.add(&module(3), Add { metadata, ..called("app", "1.0.0") }).expect("added");
    store.remove(&ours(), &reference("lib@1.0.0"), false).expect("another version serves");
    let refused = store.remove(&ours(), &reference("lib@1.1.0"), false).expect_err("the last").to_string();
    assert!(refused.contains("`app@1.0.0` needs `lib@1.1.0`"), "{refused}");
    store.remove(&ours(), &reference("lib"), true).expect("forced");
    let fsck = store.fsck(false).expect("checked");
    assert!(fsck.is_broken() && fsck.findings[0].what.contains("`app@1.0.0` needs `lib@^1`"), "{fsck:?}");
}

#[test]
fn st_001_and_st_002_a_damaged_module_is_never_given_out() {
    let damaged = |with: &dyn Fn(&mut Vec<u8>)| {
        let fixture = Fixture::new();
        let store = fixture.open();
        store.add(&module(1), called("a", "1.0.0")).expect("added");
        let [blob] = fixture.files("blobs").try_into().expect("one");
        tamper(&blob, with);
        let error = run(&store, "a").expect_err("damaged");
        assert!(matches!(error, StoreError::DigestMismatch { .. }), "{error}");
        assert_eq!((fixture.files("blobs").len(), fixture.files("aside").len()), (0, 1), "moved aside");
        assert!(matches!(run(&store, "a"), Err(StoreError::NotFound { .. })));
        store.add(&module(1), called("a", "1.0.0")).expect("added again");
        assert_eq!(run(&store, "a").expect("loaded"), **module(1).bytes());
    };
    let length = {
        let fixture = Fixture::new();
        fixture.open().add(&module(1), Add::default()).expect("added");
        fs::read(&fixture.files("blobs")[0]).expect("readable").len()
    };
    for at in 0..length {
        damaged(&|bytes| bytes[at] ^= 1);
    }
    damaged(&|bytes| bytes.truncate(bytes.len() / 2));
    damaged(&|bytes| bytes.clear());
    damaged(&|bytes| bytes.push(0));
    damaged(&|bytes| {
        let again = bytes.clone();
        bytes.extend(again);
    });
    // A whole one, of another module.
    damaged(&|bytes| *bytes = zstd::bulk::compress(module(2).bytes(), 3).expect("compressed"));
}

#[test]
fn a_damaged_module_is_replaced_by_whoever_adds_it() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    tamper(&fixture.files("blobs")[0], |bytes| bytes[20] ^= 1);
    store.add(&module(1), called("b", "1.0.0")).expect("added");
    assert_eq!(run(&store, "a").expect("loaded"), **module(1).bytes());
}

#[test]
fn st_009_a_bomb_is_no_larger_than_it_was_said_to_be() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let record = store.add(&module(1), called("a", "1.0.0")).expect("added").record;
    let bomb = |bytes: Vec<u8>| {
        let [blob] = fixture.files("blobs").try_into().expect("one");
        tamper(&blob, |file| *file = bytes);
        assert!(matches!(store.load(&record), Err(StoreError::DigestMismatch { .. })));
        store.add(&module(1), called("a", "1.0.0")).expect("added");
    };
    // A gigabyte of nothing, once with its size and once without.
    let nothing = vec![0; 1 << 30];
    bomb(zstd::bulk::compress(&nothing, 1).expect("compressed"));
    bomb(zstd::stream::encode_all(&nothing[..], 1).expect("compressed"));
    // One that asks for a window of a gigabyte.
    let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("an encoder");
    wide.window_log(30).expect("a window");
    wide.write_all(&nothing).expect("compressed");
    bomb(wide.finish().expect("compressed"));
    let tamper_unknown = |bytes: Vec<u8>| {
        let [blob] = fixture.files("blobs").try_into().expect("one");
        tamper(&blob, |file| *file = bytes);
        fs::remove_dir_all(fixture.path().join("records")).expect("removed");
        fs::create_dir(fixture.path().join("records")).expect("made");
    };
    // Nobody knows how large it should be.
    tamper_unknown(zstd::bulk::compress(&nothing, 1).expect("compressed"));
    drop(store);
    assert!(fixture.open().fsck(false).expect("checked").is_broken());
}

#[test]
fn st_010_what_a_record_says_leads_nowhere() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    let [record] = fixture.files("records").try_into().expect("one");
    let forge = |from: &str, to: &str| {
        let text = fs::read_to_string(&record).expect("readable");
        let (json, _) = text.split_once('\n').expect("lines");
        assert!(json.contains(from), "{json}");
        let json = json.replace(from, to);
        // With the right digest: by somebody who knows how these are written.
        tamper(&record, |bytes| *bytes = record::to_file(&json).into_bytes());
        let error = run(&store, "a").map(drop).expect_err("refused");
        tamper(&record, |bytes| *bytes = text.clone().into_bytes());
        run(&store, "a").expect("as before");
        error
    };
    assert!(matches!(forge("\"metadata\"", "\"path\":\"/etc/shadow\",\"metadata\""), StoreError::RecordDamaged { .. }));
    assert!(matches!(forge("\"name\":\"a\"", "\"name\":\"../a\""), StoreError::RecordDamaged { .. }));
    let digest = module(1).digest().to_string();
    assert!(matches!(forge(&digest, "sha256:../../../etc/shadow"), StoreError::RecordDamaged { .. }));
    // The digest of something that is not here.
    assert!(matches!(forge(&digest, &module(7).digest().to_string()), StoreError::NotFound { .. }));
}

#[test]
fn st_005_names_that_look_alike_are_different_files() {
    let fixture = Fixture::new();
    let store = fixture.open();
    for (number, name) in ["a_b", "a/b", "a.b", "a-b"].into_iter().enumerate() {
        store.add(&module(number), called(name, "1.0.0")).expect("added");
    }
    for (number, name) in ["a_b", "a/b", "a.b", "a-b"].into_iter().enumerate() {
        assert_eq!(run(&store, name).expect("loaded"), **module(number).bytes());
    }
    for path in fixture.files("records") {
        let item = path.file_name().and_then(|name| name.to_str()).expect("text");
        assert!(item.len() == 64 && item.bytes().all(|c| c.is_ascii_hexdigit()), "{item}");
    }
}

#[test]
fn st_006_many_write_the_same_and_all_succeed() {
    let fixture = Fixture::new();
    let _ = fixture.open();
    std::thread::scope(|scope| {
        for number in 0..16 {
            let fixture = &fixture;
            scope.spawn(move || fixture.open().add(&module(1), called(&format!("m{number}"), "1.0.0")).expect("added"));
        }
    });
    let store = fixture.open();
    assert_eq!((fixture.files("blobs").len(), store.list(None).expect("a list").len()), (1, 16));
    assert_eq!(store.fsck(false).expect("checked").findings, []);
}

#[test]
fn the_index_is_made_anew_from_the_records() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let metadata = Metadata { description: Some("says what it is".into()), priority: 3, ..Metadata::default() };
    for number in 0..5 {
        let tags = vec!["live".parse().expect("a tag")];
        store
            .add(&module(number), Add { metadata: metadata.clone(), tags, ..called("a", &format!("{number}.0.0")) })
            .expect("added");
    }
    store.add(&module(5), Add::default()).expect("added");
    store.alias(&ours(), &"b".parse().expect("a name"), &reference("a:live")).expect("an alias");
    store.pin(&ours(), &reference("a@2.0.0")).expect("pinned");
    let known = |store: &Store| -> Vec<Info> {
        let list = store.list(None).expect("a list").into_iter();
        list.map(|info| Info { last_used_at: None, uses: 0, ..info }).collect()
    };
    let before = known(&store);
    let open = || Place::open(&fixture.path()).expect("a place");
    let busy = Store::open_with_new_index(open(), StoreOptions::default());
    assert!(matches!(busy, Err(StoreError::Busy { .. })), "somebody has it open");
    drop(store);
    for damage in [0, 100, 4096] {
        tamper(&fixture.path().join("index.sqlite"), |bytes| {
            bytes.iter_mut().skip(damage).take(2000).for_each(|byte| *byte = 0xaa)
        });
        let opened = Store::open(open(), StoreOptions::default());
        match opened {
            Err(StoreError::IndexDamaged { .. }) => {}
            other => panic!("{other:?}"),
        }
        let store = Store::open_with_new_index(open(), StoreOptions::default()).expect("a new index");
        // Names are found even before.
        assert_eq!(run(&store, "b").expect("loaded"), **module(4).bytes());
        assert!(!store.fsck(true).expect("repaired").is_broken());
        assert_eq!(known(&store), before);
        assert_eq!(store.fsck(false).expect("checked").findings, []);
    }
}

#[test]
fn fsck_finds_and_repairs() {
    let fixture = Fixture::new();
    let store = fixture.open();
    for number in 0..3 {
        store.add(&module(number), called(&format!("m{number}"), "1.0.0")).expect("added");
    }
    // A record that the index has; a module that is damaged; one that no record knows.
    let record = |name: &str| {
        let id = record::family_of(&ours(), &name.parse().expect("a name"));
        fixture.files(&format!("records/{id}")).remove(0)
    };
    let blob = |number: usize| {
        let hex = module(number).digest().hex();
        fixture.path().join(format!("blobs/sha256/{}/{}/{hex}", &hex[..2], &hex[2..4]))
    };
    tamper(&record("m0"), |bytes| bytes[5] ^= 1);
    tamper(&blob(1), |bytes| bytes[20] ^= 1);
    fs::remove_file(record("m2")).expect("removed");
    assert!(matches!(run(&store, "m0"), Err(StoreError::RecordDamaged { .. })));
    let found = store.fsck(false).expect("checked");
    assert_eq!((found.findings.len(), found.is_broken()), (5, true), "{found:?}");
    let repaired = store.fsck(true).expect("repaired");
    assert!(!repaired.is_broken(), "{repaired:?}");
    assert_eq!(run(&store, "m0").expect("loaded"), **module(0).bytes());
    assert!(matches!(run(&store, "m1"), Err(StoreError::NotFound { .. })));
    assert!(run(&store, "m2").is_err());
    assert_eq!(run(&store, &module(2).digest().to_string()).expect("loaded"), **module(2).bytes());
    assert_eq!(store.fsck(false).expect("checked").findings, []);
}

#[test]
fn what_the_index_lacks_keeps_its_module() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    store.add(&module(1), called("b", "1.0.0")).expect("added");
    let index = rusqlite::Connection::open(fixture.path().join("index.sqlite")).expect("the index");
    // As a crash leaves it, after the record and before the index.
    index.execute("DELETE FROM records WHERE json LIKE '%\"b\"%'", []).expect("changed");
    drop(index);
    let (_, gone) = store.remove(&ours(), &reference("a@1.0.0"), false).expect("removed");
    assert!(!gone);
    assert_eq!(run(&store, "b").expect("loaded"), **module(1).bytes());
}

#[test]
fn st_010_a_digest_is_of_its_module_whatever_the_index_says() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    store.add(&module(2), called("b", "1.0.0")).expect("added");
    drop(store);
    let (one, other) = (module(1).digest(), module(2).digest());
    let index = rusqlite::Connection::open(fixture.path().join("index.sqlite")).expect("the index");
    index.execute("UPDATE records SET digest = ?2 WHERE digest = ?1", [one.as_bytes(), other.as_bytes()]).expect("changed");
    drop(index);
    let store = fixture.open();
    for wanted in [one, other] {
        match store.resolve(&ours(), &reference(&wanted.to_string())) {
            Ok(found) => assert_eq!(found.record.digest, wanted),
            Err(StoreError::NotFound { .. }) => assert_eq!(wanted, one, "the other is found"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn st_011_an_index_of_another_shape_is_an_error() {
    let fixture = Fixture::new();
    let store = fixture.open();
    store.add(&module(1), called("a", "1.0.0")).expect("added");
    drop(store);
    let path = fixture.path().join("index.sqlite");
    let sql = |text: &str| rusqlite::Connection::open(&path).and_then(|index| index.execute_batch(text)).expect("done");
    // Deep, and long.
    sql(&format!("UPDATE records SET json = '{}'", "[".repeat(100_000)));
    assert!(matches!(fixture.open().list(None), Err(StoreError::IndexDamaged { .. })));
    assert_eq!(run(&fixture.open(), "a").expect("its record says"), **module(1).bytes());
    sql("PRAGMA user_version = 99");
    let opened = Store::open(Place::open(&fixture.path()).expect("a place"), StoreOptions::default());
    assert!(matches!(opened, Err(StoreError::NewerIndex { found: 99, .. })));
}
