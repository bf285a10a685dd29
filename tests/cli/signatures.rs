//! `ambit key`, `ambit sign`, `ambit verify`, and what does not run for want of a signature.

use std::{fs, ops::Deref, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use crate::{
    ambit::{ambit, run},
    place::Place,
    skipped::skip,
};

const HELLO: &str = "guests/bin/hello.wasm";
const OTHER: &str = "guests/bin/add.wasm";

/// A store with a key of one's own, `release`, which is trusted for everything.
struct Signing(Place);

impl Deref for Signing {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

impl Signing {
    fn new() -> Self {
        let signing = Self::without_keys();
        signing.ok(&["key", "generate", "release"]);
        signing.ok(&["key", "trust", "release"]);
        signing
    }

    fn without_keys() -> Self {
        Self(Place::new())
    }

    /// At every level of isolation.
    #[track_caller]
    fn runs(&self, words: &[&str]) {
        let done = self.at(run(words));
        assert_eq!((done.status, done.stdout.as_str()), (0, "hello, world\n"), "{words:?}: {done:?}");
    }

    #[track_caller]
    fn is_refused(&self, words: &[&str], because: &str) {
        let done = self.at(run(words));
        assert_eq!((done.status, done.stdout.as_str()), (126, ""), "{words:?}: {done:?}");
        assert!(done.stderr.contains("signature") && done.stderr.contains(because), "{because}: {done:?}");
    }
}

#[test]
fn sig_002_what_must_be_signed_runs_only_when_it_is() {
    let signing = Signing::new();
    signing.runs(&[HELLO]);
    signing.is_refused(&["--require-signature", HELLO], "it has none");
    signing.ok(&["key", "require", "*"]);
    signing.is_refused(&[HELLO], "required of everything");
    assert_eq!(signing.does(&["validate", HELLO]).status, 126);
    assert_eq!(signing.does(&["inspect", HELLO]).status, 0, "it only looks");
    signing.ok(&["sign", "--key", "release", HELLO]);
    signing.runs(&[HELLO]);
    signing.runs(&["--no-cache", HELLO]);
    let done = signing.does(&["run", "-v", HELLO]);
    assert!(done.stderr.contains("signed by release (ed25519:"), "{done:?}");
    signing.is_refused(&["--invoke", "add", OTHER, "2", "3"], "it has none");
    signing.ok(&["key", "require", "*", "--off"]);
    assert_eq!(signing.does(&["run", "--invoke", "add", OTHER, "2", "3"]).status, 0);
    assert_eq!(signing.does(&["key", "require", "*", "--off"]).status, 1);
}

#[test]
fn a_configuration_asks_for_signatures() {
    let signing = Signing::new();
    fs::write(signing.path("ambit.toml"), "check_signatures = true\n").expect("written");
    let config = signing.text("ambit.toml");
    signing.is_refused(&["--config", &config, HELLO], "it has none");
    signing.ok(&["sign", "--key", "release", HELLO]);
    signing.runs(&["--config", &config, HELLO]);
}

#[test]
fn sig_001_a_signature_is_of_its_module_and_of_no_other() {
    let signing = Signing::new();
    let file = signing.text("hello.sig");
    signing.ok(&["sign", "--key", "release", HELLO, "-o", &file]);
    signing.runs(&["--signature", &file, HELLO]);
    signing.is_refused(&["--signature", &file, "--invoke", "add", OTHER, "2", "3"], "is of another module");
    let mut altered = fs::read(root().join(HELLO)).expect("read");
    // In a name, so that it is a module still.
    let at = altered.windows(5).position(|bytes| bytes == b"hello").expect("it says so");
    altered[at] = b'J';
    fs::write(signing.path("altered.wasm"), altered).expect("written");
    signing.is_refused(&["--signature", &file, &signing.text("altered.wasm")], "is of another module");
    let line = fs::read_to_string(&file).expect("read");
    fs::write(&file, line.replace("\"key\":\"ed25519:", "\"key\":\"ecdsa-p256:")).expect("written");
    signing.is_refused(&["--signature", &file, HELLO], "is not trusted");
    fs::write(&file, "x".repeat(1 << 20)).expect("written");
    signing.is_refused(&["--signature", &file, HELLO], "it is no signature");
    signing.is_refused(&["--signature", "/dev/zero", HELLO], "no regular file");
}

#[test]
fn sig_003_keys_count_for_their_names_and_their_namespace() {
    let signing = Signing::without_keys();
    let add = |name: &str, namespace: &str| {
        signing.ok(&["store", "add", HELLO, name, "--namespace", namespace]);
    };
    add("tools/hello@1.0.0", "default");
    add("other/hello@1.0.0", "default");
    add("tools/hello@1.0.0", "another");
    signing.ok(&["key", "generate", "ours", "--algorithm", "ecdsa-p256"]);
    signing.ok(&["key", "trust", "ours", "--for", "tools/*", "--as", "tools-team"]);
    signing.ok(&["key", "require", "tools/*"]);
    signing.ok(&["key", "require", "other/*"]);
    signing.ok(&["sign", "--key", "ours", HELLO]);
    signing.runs(&["tools/hello"]);
    signing.is_refused(&["other/hello"], "not trusted for this name");
    // What one tenant asks for and trusts is nothing to another.
    signing.runs(&["--namespace", "another", "tools/hello"]);
    signing.is_refused(&["--namespace", "another", "--require-signature", "tools/hello"], "it has none");
    let verdict = signing.json(&["verify", "tools/hello"]);
    assert_eq!((verdict["met"].as_bool(), verdict["verdict"]["signed_by"][0]["label"].as_str()), (Some(true), Some("tools-team")));
}

#[test]
fn sig_004_neither_what_is_old_nor_what_a_revoked_key_signed() {
    let signing = Signing::new();
    signing.ok(&["store", "add", OTHER, "tools/hello@1.0.0"]);
    signing.ok(&["store", "add", HELLO, "tools/hello@1.1.0", "--tag", "live"]);
    signing.ok(&["sign", "--key", "release", "tools/hello@1.0.0"]);
    signing.ok(&["sign", "--key", "release", "tools/hello@1.1.0"]);
    signing.ok(&["key", "require", "tools/*", "--min-version", "1.1.0"]);
    signing.runs(&["tools/hello:live"]);
    // The tag is moved back to what was signed once.
    signing.ok(&["store", "tag", "tools/hello@1.0.0", "live"]);
    signing.is_refused(&["--invoke", "add", "tools/hello:live", "2", "3"], "at least 1.1.0");
    // A signature that says no version, or another name, does not serve.
    signing.ok(&["store", "add", OTHER, "tools/hello@2.0.0"]);
    signing.is_refused(&["--invoke", "add", "tools/hello@2.0.0", "2", "3"], "at least 1.1.0");
    signing.ok(&["key", "revoke", "release", "--reason", "lost"]);
    signing.is_refused(&["tools/hello@1.1.0"], "was revoked");
    let again = signing.does(&["key", "trust", "release"]);
    assert!(again.status == 1 && again.stderr.contains("was revoked"), "{again:?}");
    assert!(signing.ok(&["key", "list"]).contains("revoked"));
}

#[test]
fn a_signature_in_the_module_counts() {
    let signing = Signing::new();
    let signed = signing.text("signed.wasm");
    signing.ok(&["sign", "--key", "release", HELLO, "--embed", &signed]);
    signing.runs(&["--require-signature", &signed]);
    assert!(signing.ok(&["verify", &signed]).contains("in the module"));
    signing.ok(&["key", "distrust", "release"]);
    signing.is_refused(&["--require-signature", &signed], "of no key that is trusted");
    let done = signing.does(&["verify", &signed, "--key", "release"]);
    assert_eq!(done.status, 0, "the key that is named counts: {done:?}");
}

#[test]
fn keys_are_those_of_other_programs_too() {
    let signing = Signing::without_keys();
    let openssl = |words: &[&str]| Command::new("openssl").current_dir(signing.dir()).args(words).output();
    let Ok(made) = openssl(&["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"]) else {
        return skip("keys_are_those_of_other_programs_too", "there is no openssl");
    };
    assert!(made.status.success(), "{made:?}");
    openssl(&["pkey", "-in", "theirs.pem", "-pubout", "-out", "theirs.pub"]).expect("openssl");
    let (secret, public) = (signing.text("theirs.pem"), signing.text("theirs.pub"));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).expect("permissions");
    let done = signing.does(&["sign", "--key", &secret, HELLO]);
    assert!(done.status != 0 && done.stderr.contains("chmod go="), "{done:?}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("permissions");
    signing.ok(&["sign", "--key", &secret, HELLO]);
    signing.is_refused(&["--require-signature", HELLO], "is not trusted");
    signing.ok(&["key", "trust", &public]);
    signing.runs(&["--require-signature", HELLO]);
    // And back.
    signing.ok(&["key", "generate", "ours"]);
    fs::write(signing.path("ours.pub"), signing.ok(&["key", "export", "ours"])).expect("written");
    let read = openssl(&["pkey", "-pubin", "-in", "ours.pub", "-noout", "-text"]).expect("openssl");
    assert!(read.status.success() && String::from_utf8_lossy(&read.stdout).contains("ED25519"), "{read:?}");
}

#[test]
fn what_is_wrong_is_said() {
    let signing = Signing::new();
    let says = |words: &[&str], status: i32, text: &str| {
        let done = signing.does(words);
        assert!(done.status == status && done.stderr.contains(text), "{words:?}: {done:?}");
    };
    says(&["key", "generate", "release"], 1, "already");
    says(&["key", "generate", "x", "--algorithm", "rsa"], 2, "known are ed25519, ecdsa-p256");
    says(&["key", "trust", "nobody"], 1, "neither a file nor a key of yours");
    says(&["key", "trust", HELLO], 1, "no text");
    says(&["key", "trust", "/nowhere"], 125, "cannot read the key");
    says(&["key", "trust", "/dev/zero"], 125, "no regular file");
    says(&["key", "require", "tools/minify:live"], 2, "no pattern of names");
    says(&["key", "trust", "release", "--for", "../x/*/y"], 2, "no pattern of names");
    says(&["key", "revoke", "deadbeef"], 1, "neither a file nor a key of yours");
    says(&["key", "generate", "other"], 0, "");
    says(&["key", "trust", "other", "--as", "release"], 1, "is what ed25519:");
    says(&["key", "distrust", &format!("ed25519:{}", "0".repeat(64))], 1, "was not trusted");
    says(&["sign", "--key", "nobody", HELLO], 1, "ambit key generate nobody");
    says(&["sign", "--key", "release", "nothing.wasm"], 126, "cannot read");
    says(&["sign", "--key", "release", HELLO, "--as", "tools/x"], 2, "no name with one version");
    says(&["sign", "--key", "release", HELLO, "-o", "/nowhere/x.sig"], 125, "cannot write");
    says(&["verify", HELLO], 1, "it has none");
    says(&["verify", HELLO, "--signature", "/nowhere"], 1, "cannot read the signature");
    signing.ok(&["sign", "--key", "release", HELLO]);
    assert!(signing.ok(&["verify", "--forget", "release", HELLO]).starts_with("1 "));
    says(&["verify", HELLO], 1, "it has none");
    // A private key that others may read, and a rule that is damaged.
    let key = signing.path("store/keys/release.key");
    assert_eq!(fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o400);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o440)).expect("permissions");
    says(&["sign", "--key", "release", HELLO], 125, "others may read it");
    signing.ok(&["key", "require", "*"]);
    for family in fs::read_dir(signing.path("store/records")).expect("records") {
        for record in fs::read_dir(family.expect("one").path()).expect("a family") {
            let path = record.expect("one").path();
            let text = fs::read_to_string(&path).expect("read");
            if text.contains("signature-rule") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
                fs::write(&path, text.replace("\"*\"", "\"x\"")).expect("written");
            }
        }
    }
    signing.is_refused(&[HELLO], "cannot tell whether a signature is required");
}

#[test]
fn no_name_and_no_file_leads_around_a_rule() {
    let signing = Signing::new();
    signing.ok(&["store", "add", HELLO, "other/hello@1.0.0"]);
    signing.ok(&["key", "require", "tools/*"]);
    signing.runs(&["other/hello"]);
    signing.ok(&["store", "alias", "tools/hello", "other/hello"]);
    signing.is_refused(&["tools/hello"], "required of `tools/*`");
    signing.is_refused(&["tools/hello@1.0.0"], "required of `tools/*`");
    let taken = signing.does(&["store", "add", OTHER, "tools/hello@2.0.0"]);
    assert!(taken.status == 1 && taken.stderr.contains("unalias"), "{taken:?}");
    // By its digest it has all of its names.
    signing.ok(&["store", "add", HELLO, "tools/greeter@1.0.0"]);
    let digest = signing.json(&["store", "info", "tools/greeter"])["digest"].as_str().expect("a digest").to_owned();
    signing.is_refused(&[&digest], "required of `tools/*`");
    // A file that lies where a name would lead.
    let here = signing.path("here");
    fs::create_dir_all(here.join("tools")).expect("made");
    fs::copy(root().join(HELLO), here.join("tools/greeter")).expect("copied");
    let at = |word: &str| {
        let mut command = ambit(&["run", word]).env("AMBIT_STORE", signing.path("store")).into_command();
        command.current_dir(&here).output().expect("started").status.code()
    };
    assert_eq!((at("tools/greeter"), at("./tools/greeter")), (Some(126), Some(0)));
    // The same for an image.
    signing.ok(&["build", HELLO, "-t", "localhost:1/hello:1"]);
    signing.ok(&["key", "require", "localhost:1/*"]);
    fs::create_dir_all(here.join("localhost:1")).expect("made");
    for name in ["localhost:1/hello", "localhost:1/hello:1"] {
        fs::copy(root().join(HELLO), here.join(name)).expect("copied");
    }
    assert_eq!((at("localhost:1/hello"), at("localhost:1/hello:1"), at("./localhost:1/hello:1")), (Some(126), Some(126), Some(0)));
    // And one that has the name of a key of one's own.
    fs::write(here.join("release"), "somebody's key").expect("written");
    let mut command = ambit(&["key", "trust", "release"]).env("AMBIT_STORE", signing.path("store")).into_command();
    let done = command.current_dir(&here).output().expect("started");
    assert!(done.status.code() == Some(1) && String::from_utf8_lossy(&done.stderr).contains("./release is the file"), "{done:?}");
}

#[test]
fn rules_in_a_store_that_others_could_change_are_not_forgotten() {
    let signing = Signing::without_keys();
    let home = signing.path("home");
    fs::create_dir(&home).expect("made");
    let at_home = |words: &[&str]| ambit(words).env("HOME", &home).done();
    assert_eq!(at_home(&["key", "require", "*"]).status, 0);
    let store = home.join(".local/share/ambit/store");
    for mode in [0o700, 0o770, 0o777] {
        fs::set_permissions(&store, fs::Permissions::from_mode(mode)).expect("permissions");
        for words in
            [&["run", HELLO][..], &["run", "--no-cache", "-q", HELLO], &["run", "--isolation", "none", HELLO], &["validate", HELLO]]
        {
            let done = at_home(words);
            assert!(done.status == 126 && done.stdout.is_empty(), "{mode:o} {words:?}: {done:?}");
        }
    }
}

#[test]
fn a_lost_index_and_a_repair_forget_no_rule() {
    let signing = Signing::new();
    signing.ok(&["key", "require", "*"]);
    let lose_index = || {
        for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
            let _ = fs::remove_file(signing.path("store").join(name));
        }
    };
    let rule = || {
        let families = fs::read_dir(signing.path("store/records")).expect("records");
        let files = families.flat_map(|family| fs::read_dir(family.expect("one").path()).expect("a family"));
        files.map(|file| file.expect("one").path()).find(|path| fs::read_to_string(path).expect("text").contains("signature-rule"))
    };
    // Removed behind the store's back: the index knows.
    let path = rule().expect("there");
    let text = fs::read(&path).expect("read");
    fs::remove_file(&path).expect("removed");
    let found = signing.does(&["store", "fsck"]);
    assert!(found.status == 1 && format!("{}{}", found.stdout, found.stderr).contains("what is required of *"), "{found:?}");
    signing.ok(&["store", "fsck", "--repair"]);
    signing.is_refused(&[HELLO], "required of everything");
    // Damaged, and the index is lost too: nobody knows what it forbade.
    lose_index();
    let path = rule().expect("there again");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
    fs::write(&path, &text[..text.len() - 2]).expect("written");
    signing.is_refused(&[HELLO], "cannot tell whether a signature is required");
    let done = signing.does(&["store", "fsck", "--repair"]);
    assert_eq!(done.status, 1, "{done:?}");
    signing.is_refused(&[HELLO], "cannot tell whether a signature is required");
    // Said again it is whole; and taken away when that is said, whatever the index knows.
    fs::write(&path, &text).expect("written");
    signing.is_refused(&[HELLO], "required of everything");
    lose_index();
    signing.ok(&["key", "require", "*", "--off"]);
    signing.runs(&[HELLO]);
    lose_index();
    signing.ok(&["key", "distrust", "release"]);
}

#[test]
fn what_is_signed_into_is_whole_or_what_it_was() {
    let signing = Signing::new();
    let old = signing.path("old.sig");
    fs::write(&old, "what was there").expect("written");
    // No file may grow: the write fails, when the file would have been made empty already.
    let line = "trap '' XFSZ; ulimit -f 0; exec \"$0\" sign --key release \"$1\" -o \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", line]).arg(crate::program::program()).arg(root().join(HELLO)).arg(&old);
    let done = command.env("AMBIT_STORE", signing.path("store")).output().expect("a shell");
    assert_eq!(done.status.code(), Some(125), "{done:?}");
    assert_eq!(fs::read_to_string(&old).expect("there"), "what was there");
    let left = fs::read_dir(signing.dir()).expect("listed").count();
    assert_eq!(left, 2, "the store and the file");
    let full = signing.does(&["sign", "--key", "release", HELLO, "-o", "/dev/full"]);
    assert!(full.status == 125 && std::path::Path::new("/dev/full").exists(), "{full:?}");
    let out = signing.does(&["sign", "--key", "release", HELLO, "-o", "-"]);
    assert!(out.status == 0 && out.stdout.starts_with("{\"ambit-module-signature\":1"), "{out:?}");
}

#[test]
fn an_image_is_signed_and_runs_by_that() {
    let signing = Signing::new();
    const IMAGE: &str = "localhost:5000/tools/hello:1.2.0";
    signing.ok(&["build", HELLO, "-t", IMAGE, "--image-version", "1.2.0"]);
    let never = ["--pull", "never", "--require-signature", IMAGE];
    signing.is_refused(&never, "it has none");
    signing.ok(&["sign", "--key", "release", IMAGE]);
    signing.runs(&never);
    assert!(signing.ok(&["verify", "--pull", "never", IMAGE]).contains("with its image"));
    // Under another name it is signed still; the rule is about the version that its manifest says.
    const OTHER: &str = "localhost:5000/tools/greeter:live";
    signing.ok(&["tag", IMAGE, OTHER]);
    signing.ok(&["key", "require", "localhost:5000/*", "--min-version", "1.2.0"]);
    signing.runs(&["--pull", "never", OTHER]);
    signing.ok(&["key", "require", "localhost:5000/*", "--min-version", "1.3.0"]);
    signing.is_refused(&["--pull", "never", OTHER], "at least 1.3.0");
    signing.ok(&["key", "require", "localhost:5000/*"]);
    // As a layout it takes its signature along.
    let layout = signing.text("layout");
    signing.ok(&["export", IMAGE, "-o", &layout]);
    let elsewhere = Signing::without_keys();
    fs::write(elsewhere.path("release.pub"), signing.ok(&["key", "export", "release"])).expect("written");
    elsewhere.ok(&["key", "trust", &elsewhere.text("release.pub"), "--for", "localhost:5000/*"]);
    elsewhere.ok(&["import", &layout]);
    elsewhere.runs(&never);
    elsewhere.ok(&["key", "revoke", &elsewhere.text("release.pub")]);
    elsewhere.is_refused(&never, "of no key that is trusted");
}

fn root() -> PathBuf {
    crate::ambit::root()
}
