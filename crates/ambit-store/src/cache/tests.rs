use std::{
    fs::{self, FileTimes, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use ambit_admit::AdmitRules;
use ambit_core::{CompileSettings, Digest, EngineId, Isolation, Metering, Profile};

use super::*;

struct Fixture {
    dir: tempfile::TempDir,
    compiler: CompilerIdentity,
}

impl Fixture {
    fn new() -> Self {
        let program = File::open("/proc/self/exe").expect("this program");
        let compiler = CompilerIdentity::new(EngineId::Wasmtime, "48.0.8", &program).expect("identity");
        Self { dir: tempfile::tempdir().expect("a directory"), compiler }
    }

    fn open(&self, limit: u64) -> ArtifactCache {
        let place = Place::open(&self.dir.path().join("store")).expect("a store");
        ArtifactCache::open(&place, limit).expect("a cache")
    }

    fn key(&self, module: &str) -> ArtifactKey {
        let policy = Profile::Default.policy().resolve(Isolation::Process).expect("enforceable");
        ArtifactKey::new(Digest::of(module.as_bytes()), &CompileSettings::of(&policy, Metering::Kernel), &self.compiler)
    }

    fn keep(&self, cache: &ArtifactCache, key: &ArtifactKey, contents: &[u8]) {
        let path = self.dir.path().join("artifact");
        fs::write(&path, contents).expect("written");
        cache.keep(key, &File::open(path).expect("open")).expect("kept");
    }

    fn artifacts(&self) -> PathBuf {
        self.dir.path().join("store/artifacts")
    }

    fn file(&self, extension: &str) -> PathBuf {
        let entries = fs::read_dir(self.artifacts()).expect("a directory").map(|entry| entry.expect("an entry").path());
        let mut found = entries.filter(|path| path.extension().is_some_and(|found| found == extension));
        found.next().unwrap_or_else(|| panic!("no .{extension}"))
    }
}

fn contents(found: &Found) -> Option<Vec<u8>> {
    let Found::Artifact { file, .. } = found else { return None };
    let mut contents = Vec::new();
    each_chunk(file, |chunk| {
        contents.extend_from_slice(chunk);
        Ok::<(), ()>(())
    })
    .expect("readable")
    .expect("no error");
    Some(contents)
}

/// Changes a file that nobody is meant to change.
fn tamper(path: &std::path::Path, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("readable");
    let mode = fs::metadata(path).expect("there").permissions();
    with(&mut bytes);
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("permissions");
    OpenOptions::new().write(true).truncate(true).open(path).and_then(|mut file| file.write_all(&bytes)).expect("written");
    fs::set_permissions(path, mode).expect("permissions");
}

/// Lets the times of a file's changes lie so far back that it is remembered.
fn settle() {
    std::thread::sleep(Duration::from_millis(1100));
}

#[test]
fn what_was_kept_is_found_by_whoever_has_the_store() {
    let fixture = Fixture::new();
    let (cache, key) = (fixture.open(1 << 20), fixture.key("a"));
    assert!(matches!(cache.find(&key), Ok(Found::Nothing)));
    let code = vec![7; CHUNK * 2 + 5];
    fixture.keep(&cache, &key, &code);
    for cache in [cache, fixture.open(1 << 20)] {
        assert_eq!(contents(&cache.find(&key).expect("found")), Some(code.clone()));
        assert!(matches!(cache.find(&fixture.key("b")), Ok(Found::Nothing)));
    }
    let mode = |path: PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    assert_eq!(mode(fixture.file("code")), 0o400);
    assert_eq!(mode(fixture.artifacts().join("key")), 0o600);
    assert_eq!(mode(fixture.artifacts()), 0o700);
}

#[test]
fn st_003_an_artifact_that_is_not_what_was_kept_is_refused() {
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let code = b"machine code".repeat(100);
    let refused = |extension: &str, with: &dyn Fn(&mut Vec<u8>)| {
        let fixture = Fixture::new();
        let (cache, key) = (fixture.open(1 << 20), fixture.key("a"));
        fixture.keep(&cache, &key, &code);
        tamper(&fixture.file(extension), |bytes| with(bytes));
        let found = cache.find(&key).expect("looked");
        assert!(matches!(found, Found::Refused(_)), "{extension}: {found:?}");
        assert!(matches!(cache.find(&key), Ok(Found::Nothing)), "what was refused is gone");
        fixture.keep(&cache, &key, &code);
        assert_eq!(contents(&cache.find(&key).expect("found")), Some(code.clone()), "and is kept anew");
    };
    for at in 0..code.len() {
        if at % 97 == 0 || at == code.len() - 1 {
            refused("code", &flip(at));
        }
    }
    for at in 0..112 {
        refused("seal", &flip(at));
    }
    refused("code", &|bytes| bytes.truncate(5));
    refused("code", &|bytes| bytes.clear());
    refused("code", &|bytes| bytes.push(0));
    refused("seal", &|bytes| bytes.push(0));
    refused("seal", &|bytes| bytes.truncate(20));
    refused("seal", &|bytes| bytes.clear());
}

#[test]
fn st_003_one_of_another_module_engine_or_store_is_refused() {
    let fixture = Fixture::new();
    let (cache, theirs, ours) = (fixture.open(1 << 20), fixture.key("theirs"), fixture.key("ours"));
    fixture.keep(&cache, &theirs, b"code of theirs");
    // Under our name, seal and all: how an older engine's would be brought back.
    let digest =
        fixture.file("code").file_name().and_then(|name| name.to_str()).expect("text").split('.').nth(1).map(str::to_owned);
    fs::copy(fixture.file("code"), fixture.artifacts().join(format!("{}.{}.code", ours.name(), digest.expect("a digest"))))
        .expect("copied");
    fs::copy(fixture.artifacts().join(theirs.seal_name()), fixture.artifacts().join(ours.seal_name())).expect("copied");
    assert!(matches!(cache.find(&ours), Ok(Found::Refused(_))));
    // Another store's key.
    let other = Fixture::new();
    let _ = other.open(1 << 20);
    fs::copy(other.artifacts().join("key"), fixture.artifacts().join("key")).expect("copied");
    assert!(matches!(fixture.open(1 << 20).find(&theirs), Ok(Found::Refused(_))));
    // What compiles is part of what is asked for.
    let program = File::open("/proc/self/exe").expect("this program");
    let newer = CompilerIdentity::new(EngineId::Wasmtime, "48.0.9", &program).expect("identity");
    let program = tempfile::tempfile().expect("a file");
    let rebuilt = CompilerIdentity::new(EngineId::Wasmtime, "48.0.8", &program).expect("identity");
    assert_ne!(newer, fixture.compiler);
    assert_ne!(rebuilt, fixture.compiler);
}

#[test]
fn a_file_that_was_seen_is_looked_at_again_once_it_changes() {
    let fixture = Fixture::new();
    let (cache, key) = (fixture.open(1 << 20), fixture.key("a"));
    fixture.keep(&cache, &key, b"code");
    let seen = || {
        seal::read(&File::open(fixture.artifacts().join(key.seal_name())).expect("open"), &key, &cache.key).expect("a seal").seen
    };
    assert!(matches!(cache.find(&key), Ok(Found::Artifact { .. })));
    assert_eq!(seen(), None, "one that was changed just now could be changed again at the same time");
    settle();
    assert!(matches!(cache.find(&key), Ok(Found::Artifact { .. })));
    assert!(seen().is_some());
    // As long as it was, and with the times that it had: the time of the change itself nobody can set.
    let path = fixture.file("code");
    let before = fs::metadata(&path).expect("there").modified().expect("a time");
    tamper(&path, |bytes| bytes[0] = b'C');
    File::open(&path).and_then(|file| file.set_times(FileTimes::new().set_modified(before))).expect("times");
    assert!(matches!(cache.find(&key), Ok(Found::Refused(_))));
}

#[test]
fn what_was_seen_before_the_machine_was_started_again_is_not_believed() {
    let fixture = Fixture::new();
    let (mut cache, key) = (fixture.open(1 << 20), fixture.key("a"));
    fixture.keep(&cache, &key, b"code");
    settle();
    assert!(matches!(cache.find(&key), Ok(Found::Artifact { .. })));
    // A crash has left the file as long as it was, with the times that it had, and empty.
    let found = rustix::fs::fstat(File::open(fixture.file("code")).expect("open")).expect("there");
    let seal = seal::read(&File::open(fixture.artifacts().join(key.seal_name())).expect("open"), &key, &cache.key).expect("a seal");
    assert_eq!(seal.seen, cache.boot.as_deref().map(|boot| Seen::of(&found, boot)));
    cache.boot = Some("another".into());
    assert_ne!(seal.seen, cache.boot.as_deref().map(|boot| Seen::of(&found, boot)));
}

#[test]
fn st_004_a_link_or_a_key_that_others_read_is_refused() {
    let fixture = Fixture::new();
    let (cache, key) = (fixture.open(1 << 20), fixture.key("a"));
    fixture.keep(&cache, &key, b"code");
    let code = fixture.file("code");
    fs::rename(&code, fixture.dir.path().join("elsewhere")).expect("renamed");
    std::os::unix::fs::symlink(fixture.dir.path().join("elsewhere"), &code).expect("a link");
    assert!(cache.find(&key).is_err(), "links are not followed");
    let path = fixture.artifacts().join("key");
    let opened = || ArtifactCache::open(&Place::open(&fixture.dir.path().join("store")).expect("a store"), 1).map(drop);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("permissions");
    assert!(opened().expect_err("refused").is_unsafe());
    fs::remove_file(&path).expect("removed");
    fs::write(&path, b"short").expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");
    assert!(opened().expect_err("refused").to_string().contains("another length"));
    fs::set_permissions(fixture.artifacts(), Permissions::from_mode(0o777)).expect("permissions");
    assert!(opened().expect_err("refused").to_string().contains("chmod go-w"));
}

#[test]
fn an_artifact_that_others_could_write_to_is_refused() {
    let fixture = Fixture::new();
    let (cache, key) = (fixture.open(1 << 20), fixture.key("a"));
    fixture.keep(&cache, &key, b"code");
    fs::set_permissions(fixture.file("code"), Permissions::from_mode(0o600)).expect("permissions");
    assert!(matches!(cache.find(&key), Ok(Found::Refused(_))));
}

#[test]
fn the_least_lately_used_go_when_there_are_too_many() {
    let fixture = Fixture::new();
    let cache = fixture.open(3500);
    let used = |key: &ArtifactKey, seconds: u64| {
        let seal = File::open(fixture.artifacts().join(key.seal_name())).expect("a seal");
        let when = SystemTime::now() - Duration::from_secs(seconds);
        seal.set_times(FileTimes::new().set_modified(when)).expect("times");
    };
    let keys: Vec<ArtifactKey> = (0..4).map(|number| fixture.key(&number.to_string())).collect();
    for (key, ago) in keys[..3].iter().zip([300, 500, 400]) {
        fixture.keep(&cache, key, &[1; 1000]);
        used(key, ago);
    }
    // To be found is to be used.
    assert!(matches!(cache.find(&keys[1]), Ok(Found::Artifact { .. })));
    fixture.keep(&cache, &keys[3], &[1; 1000]);
    let kept: Vec<bool> = keys.iter().map(|key| matches!(cache.find(key), Ok(Found::Artifact { .. }))).collect();
    assert_eq!(kept, [true, true, false, true]);
    assert!(cache.usage().expect("usage").bytes <= 3500);
    let big = fixture.dir.path().join("big");
    fs::write(&big, [1; 4000]).expect("written");
    assert!(matches!(cache.keep(&keys[2], &File::open(big).expect("open")), Err(StoreError::TooLarge { .. })));
    assert_eq!(cache.clear().expect("cleared").artifacts, 3);
    assert_eq!(cache.usage().expect("usage"), CacheUsage::default());
}

#[test]
fn one_that_is_kept_anew_replaces_the_old_and_whoever_has_that_goes_on() {
    let fixture = Fixture::new();
    let (cache, key) = (fixture.open(1 << 20), fixture.key("a"));
    fixture.keep(&cache, &key, b"old");
    let old = cache.find(&key).expect("found");
    fixture.keep(&cache, &key, b"newer");
    assert_eq!(contents(&cache.find(&key).expect("found")), Some(b"newer".to_vec()));
    assert_eq!(contents(&old), Some(b"old".to_vec()));
    let codes = fs::read_dir(fixture.artifacts()).expect("a directory").count();
    assert_eq!(codes, 3, "a key, a seal, one artifact");
}

#[test]
fn that_a_module_was_admitted_is_believed_under_the_same_rules_only() {
    let fixture = Fixture::new();
    let cache = fixture.open(1 << 20);
    let rules = AdmitRules::from_policy(&Profile::Default.policy());
    let other_rules = AdmitRules::from_policy(&Profile::Terminal.policy());
    let key = |module: &str, rules: &AdmitRules| AdmissionKey::new(Digest::of(module.as_bytes()), rules, &fixture.compiler);
    let ours = key("a", &rules);
    let facts = b"what is known".as_slice();
    let admitted = |key: &AdmissionKey| fixture.open(1).admitted(key);
    assert_eq!(admitted(&ours), None);
    cache.note_admitted(&ours, facts).expect("noted");
    assert_eq!(admitted(&ours).as_deref(), Some(facts));
    for other in [key("b", &rules), key("a", &other_rules)] {
        assert_eq!(admitted(&other), None);
        // Under its name, as it is.
        fs::copy(fixture.artifacts().join(ours.name()), fixture.artifacts().join(other.name())).expect("copied");
        assert_eq!(admitted(&other), None);
    }
    let path = fixture.artifacts().join(ours.name());
    for at in 0..32 + facts.len() {
        tamper(&path, |bytes| bytes[at] ^= 1);
        assert_eq!(admitted(&ours), None, "byte {at}");
        tamper(&path, |bytes| bytes[at] ^= 1);
    }
    assert_eq!(admitted(&ours).as_deref(), Some(facts));
    for length in [32 + facts.len() - 1, 32, 31, 0] {
        tamper(&path, |bytes| bytes.truncate(length));
        assert_eq!(admitted(&ours), None, "{length} bytes");
    }
    // Too much to be worth it: that it was admitted is known all the same.
    fs::remove_file(&path).expect("removed");
    cache.note_admitted(&ours, &vec![0; 6 << 20]).expect("noted");
    assert_eq!(admitted(&ours).as_deref(), Some([].as_slice()));
}
