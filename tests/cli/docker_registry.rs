//! Against a registry that nobody here wrote: Docker's own.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    ambit::{ambit, run_at},
    place::Place,
    skipped::skip,
};

const HELLO: &str = "guests/bin/hello.wasm";
/// `me` and `s3cret`, by bcrypt.
const HTPASSWD: &str = "me:$2y$04$JAJufCESf5jzCk6z1Mvh..ieX0zdCqn8AgOBpJ0.O2wDcPZ76YfEe\n";

/// A registry on this machine. It ends with the test.
struct Registry {
    dir: TempDir,
    port: u16,
    child: Child,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Tls,
    Password,
}

impl Registry {
    /// Starts one; none where there is none to start, which is said.
    fn start(test: &str, kind: Kind) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let more = match kind {
            Kind::Plain => String::new(),
            Kind::Tls => {
                if !certificates(dir.path()) {
                    skip(test, "there is no `openssl` to make certificates with");
                    return None;
                }
                let at = dir.path().display();
                format!(", tls: {{certificate: {at}/server.pem, key: {at}/server.key}}")
            }
            Kind::Password => String::new(),
        };
        let mut config = String::from("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n");
        if kind == Kind::Password {
            let file = dir.path().join("htpasswd");
            fs::write(&file, HTPASSWD).expect("written");
            config += &format!("auth: {{htpasswd: {{realm: x, path: {}}}}}\n", file.display());
        }
        // A port that was free a moment ago may be taken by now: then another.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
            let rest = format!(
                "storage: {{filesystem: {{rootdirectory: {}/data}}}}\nhttp: {{addr: '127.0.0.1:{port}'{more}}}\n",
                dir.path().display()
            );
            let file = dir.path().join("config.yml");
            fs::write(&file, format!("{config}{rest}")).expect("written");
            let mut command = Command::new("docker-registry");
            command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // Tests run in an environment of their own.
            let Ok(mut child) = command.spawn() else {
                skip(test, "there is no `docker-registry`");
                return None;
            };
            let until = Instant::now() + Duration::from_secs(30);
            while Instant::now() < until && child.try_wait().expect("it is ours").is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Some(Self { dir, port, child });
                }
                thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("docker-registry does not start: {config}");
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn image(&self, rest: &str) -> String {
        format!("{}/tools/hello{rest}", self.host())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An authority of our own, and what it says of this machine; whether there is something to make them with.
fn certificates(dir: &Path) -> bool {
    const STEPS: [&str; 3] = [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test",
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr -subj /CN=server",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -extfile names",
    ];
    fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("written");
    STEPS.iter().all(|step| {
        let mut command = Command::new("openssl");
        command.args(step.split(' ')).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

#[test]
fn what_was_pushed_runs_from_an_empty_store() {
    let Some(mut registry) = Registry::start("what_was_pushed_runs_from_an_empty_store", Kind::Plain) else { return };
    let (image, ours) = (registry.image(":1.0"), Place::new());
    ours.does(&["build", HELLO, "-t", &image, "--title", "hello"]).says(0, &[]);
    let pushed = ours.json(&["push", &image]);
    assert_eq!((&pushed["sent"], &pushed["there"]), (&2.into(), &0.into()));
    assert_eq!(ours.json(&["push", &image])["there"], 2, "and not once more");
    let digest = pushed["digest"].as_str().expect("text");
    for level in ["none", "process"] {
        let store = Place::new();
        store.at(run_at(level, &["--pull", "never", &image])).says(126, &["never to pull"]);
        store.at(run_at(level, &["--pull", "always", &image])).prints("hello, world\n");
        store.at(run_at(level, &["--pull", "never", &image])).prints("hello, world\n");
    }
    // By its digest, which is checked against what comes.
    let store = Place::new();
    store.at(run_at("process", &[&registry.image(&format!("@{digest}"))])).prints("hello, world\n");
    let other = format!("@sha256:{}", "0".repeat(64));
    store.at(run_at("process", &[&registry.image(&other)])).says(126, &["not-found", "has no image"]);
    // Without running it.
    let inspected: Value = store.json(&["inspect", &image]);
    assert_eq!(inspected["kind"], "module");
    store.does(&["validate", &image]).says(0, &[]);
    // A tag that moves moves for whoever asks again.
    ours.does(&["build", "guests/bin/env.wasm", "-t", &image]).says(0, &[]);
    ours.does(&["push", &image]).says(0, &[]);
    store.at(run_at("process", &[&image])).prints("hello, world\n");
    let done = store.at(run_at("process", &["--pull", "always", &image]));
    done.says(0, &["it was", digest]);
    // Nobody there any more.
    registry.stop();
    store.at(run_at("process", &[&image])).says(0, &[]);
    store.at(run_at("process", &["--pull", "always", &image])).says(126, &["cannot get"]);
    let report = store.path("report.json");
    store.at(run_at("process", &["--pull", "always", "--report", report.to_str().expect("UTF-8"), &image]));
    let report: Value = serde_json::from_str(&fs::read_to_string(report).expect("a report")).expect("JSON");
    assert_eq!(report["name"], image.as_str());
}

#[test]
fn with_tls_by_an_authority_that_was_named() {
    let Some(registry) = Registry::start("with_tls_by_an_authority_that_was_named", Kind::Tls) else { return };
    let (image, store) = (registry.image(":1.0"), Place::new());
    let authority = registry.path("ca.pem");
    let authority = ["--registry-ca", authority.to_str().expect("UTF-8")];
    store.does(&["build", HELLO, "-t", &image]).says(0, &[]);
    store.does(&[&["push", &image], &authority[..]].concat()).says(0, &[]);
    let store = Place::new();
    store.at(run_at("process", &[&authority[..], &[&image]].concat())).prints("hello, world\n");
    // In the clear, as to one on this machine: it does not answer so.
    store.does(&["pull", &image]).says(1, &["400"]);
    // By an authority that is another's.
    let other = Place::new();
    assert!(certificates(other.dir()));
    let path = other.path("ca.pem");
    store.does(&["pull", &image, "--registry-ca", path.to_str().expect("UTF-8")]).says(1, &["certificate", "--registry-ca"]);
    store.does(&["pull", &image, "--registry-ca", HELLO]).says(1, &["no certificate in PEM"]);
}

#[test]
fn with_a_password_from_wherever_it_is() {
    let Some(registry) = Registry::start("with_a_password_from_wherever_it_is", Kind::Password) else { return };
    let (image, store, home) = (registry.image(":1.0"), Place::new(), tempfile::tempdir().expect("a directory"));
    let (host, at_home) = (registry.host(), |name: &str| home.path().join(name));
    store.does(&["build", HELLO, "-t", &image]).says(0, &[]);
    store.does(&["push", &image]).says(1, &["wants a name and a password", "docker login"]);
    // Flags.
    fs::write(at_home("right"), "s3cret\n").expect("written");
    fs::write(at_home("wrong"), "secret\n").expect("written");
    let flags =
        |file: &str| ambit(&["push", &image, "--registry-user", "me", "--registry-password-file"]).word(at_home(file).as_os_str());
    let denied = store.at(flags("wrong"));
    denied.says(1, &["do not allow it"]);
    assert!(!denied.stderr.contains("secret"), "{denied:?}");
    store.at(flags("right")).says(0, &[]);
    // The environment, for the registry that it names and for no other.
    let variables = |registry: &str| {
        let pull = ambit(&["pull", &image]).env("AMBIT_REGISTRY", registry);
        pull.env("AMBIT_REGISTRY_USER", "me").env("AMBIT_REGISTRY_PASSWORD", "s3cret")
    };
    store.at(variables(&host)).says(0, &[]);
    store.at(variables("127.0.0.1:1")).says(1, &["wants a name and a password"]);
    // Docker's configuration.
    let config = |text: &str| fs::write(at_home("config.json"), text).expect("written");
    let by_config = || {
        store.at(ambit(&["pull", &image])
            .env("DOCKER_CONFIG", home.path())
            .env("PATH", format!("{}:/usr/bin:/bin", home.path().display())))
    };
    config(&format!(r#"{{"auths":{{"{host}":{{"auth":"bWU6czNjcmV0"}}}}}}"#));
    by_config().says(0, &[]);
    config(r#"{"auths":{"elsewhere.example":{"auth":"bWU6czNjcmV0"}}}"#);
    by_config().says(1, &["wants a name and a password"]);
    // And the programs that it names, which are asked for this registry.
    let helper = at_home("docker-credential-test");
    let script = |lines: &str| {
        fs::write(&helper, format!("#!/bin/sh\nread server\n{lines}\n")).expect("written");
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("permissions");
    };
    config(&format!(r#"{{"credHelpers":{{"{host}":"test"}}}}"#));
    script(&format!(r#"[ "$1 $server" = "get {host}" ] && echo '{{"Username":"me","Secret":"s3cret"}}'"#));
    by_config().says(0, &[]);
    script("exit 1");
    by_config().says(1, &["wants a name and a password"]);
    script("yes");
    by_config().says(1, &["docker-credential-test", "says too much"]);
    config(r#"{"credsStore":"absent"}"#);
    by_config().says(1, &["docker-credential-absent", "cannot be started"]);
}

#[test]
fn how_far_it_is_is_shown_on_a_terminal_alone() {
    const TEST: &str = "how_far_it_is_is_shown_on_a_terminal_alone";
    let Some(registry) = Registry::start(TEST, Kind::Plain) else { return };
    let (image, store) = (registry.image(":large"), Place::new());
    let module = store.path("large.wat");
    fs::write(&module, format!("(module (memory 40) (data (i32.const 0) \"{}\"))", "x".repeat(2 << 20))).expect("written");
    store.does(&["build", module.to_str().expect("UTF-8"), "-t", &image]).says(0, &[]);
    store.does(&["push", &image]).is_silent();
    store.does(&["rmi", &image]).says(0, &[]);
    let line = format!("{} pull {image}", env!("CARGO_BIN_EXE_ambit"));
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm");
    let Ok(output) = command.env("AMBIT_STORE", store.path("store")).stdin(Stdio::null()).output() else {
        return skip(TEST, "there is no `script` to make a terminal with");
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains("the module of") && shown.contains("2.00 MiB"), "{shown:?}");
}
