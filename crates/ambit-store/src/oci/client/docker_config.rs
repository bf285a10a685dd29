//! Docker's configuration file, and the programs that it says keep passwords.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::credentials::Credentials;
use crate::oci::error::OciError;

/// The most bytes of the file, and of what a program answers.
const MOST_FILE: u64 = 1 << 20;
const MOST_ANSWER: u64 = 64 << 10;
/// How long a program may take: it may ask a person.
const PATIENCE: Duration = Duration::from_secs(60);
/// What Docker calls its own registry in this file.
const DOCKER_HUB: &str = "index.docker.io";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
struct Auth {
    auth: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What the file, or a program that it names, has for a registry.
pub(super) fn find(path: &Path, registry: &str) -> Result<Option<Credentials>, OciError> {
    let failed = |why: String| OciError::Credentials { from: format!("`{}`", path.display()), why };
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MOST_FILE + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    if bytes.len() as u64 > MOST_FILE {
        return Err(failed(format!("it has more than {MOST_FILE} bytes")));
    }
    // What is wrong with it is not shown: it has passwords in it.
    let config: DockerConfig = serde_json::from_slice(&bytes)
        .map_err(|error| failed(format!("it cannot be read: line {}, column {}", error.line(), error.column())))?;
    let DockerConfig { auths, cred_helpers, creds_store } = config;
    let of = |name: &&String| host_of(name) == home_of(registry);
    if let Some((name, helper)) = cred_helpers.iter().find(|(name, _)| of(name)) {
        return ask(helper, name);
    }
    let known = auths.iter().find(|(name, _)| of(name));
    if let Some((_, auth)) = known {
        if let Some(token) = auth.identitytoken.as_ref().filter(|token| !token.is_empty()) {
            return Ok(Some(Credentials::IdentityToken(token.clone())));
        }
        if let Some(encoded) = auth.auth.as_ref().filter(|encoded| !encoded.is_empty()) {
            let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
            let Some((user, password)) = pair else {
                return Err(failed(format!("what it has for {registry} is no name and password")));
            };
            let password = password.trim_end_matches('\0').to_owned();
            return Ok(Some(Credentials::Password { user: user.to_owned(), password }));
        }
    }
    match creds_store {
        Some(helper) => ask(&helper, known.map_or(registry, |(name, _)| name)),
        None => Ok(None),
    }
}

/// The host, and maybe port, of what is a key of the file: `host`, or `https://host/v1/`.
fn host_of(key: &str) -> &str {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    home_of(rest.split('/').next().unwrap_or_default())
}

/// The one name of Docker's own registry, which has several.
fn home_of(registry: &str) -> &str {
    if matches!(registry, "docker.io" | "registry-1.docker.io") { DOCKER_HUB } else { registry }
}

/// Asks a program that keeps passwords: `docker-credential-NAME get`, the registry on its standard input.
fn ask(helper: &str, server: &str) -> Result<Option<Credentials>, OciError> {
    let program = format!("docker-credential-{}", ambit_core::escape(helper, 64));
    let failed = |why: String| OciError::Credentials { from: format!("`{program}`"), why };
    // Found by PATH, and by nothing else.
    let is_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    if helper.is_empty() || helper.len() > 64 || !helper.bytes().all(is_name) {
        return Err(failed("this is no name of a program".into()));
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("it cannot be started: {error}")))?;
    let mut stdin = child.stdin.take().expect("it is a pipe");
    let stdout = child.stdout.take().expect("it is a pipe");
    // One that reads nothing is no failure.
    let _ = stdin.write_all(server.as_bytes());
    drop(stdin);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut answer = Vec::new();
        let read = stdout.take(MOST_ANSWER + 1).read_to_end(&mut answer).map(|_| answer);
        // Nobody may be waiting any more.
        let _ = sender.send(read);
    });
    let until = Instant::now() + PATIENCE;
    let answer = receiver.recv_timeout(PATIENCE).ok().and_then(Result::ok).filter(|answer| answer.len() as u64 <= MOST_ANSWER);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) if answer.is_some() => break status,
            Ok(None) if answer.is_some() && Instant::now() < until => thread::sleep(Duration::from_millis(2)),
            // One whose answer nobody read to its end may have ended by that.
            Ok(Some(_) | None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed("it did not end in time, or says too much".into()));
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    if !status.success() {
        // It has none for this registry, which it says in words of its own.
        return Ok(None);
    }
    let answer: Answer =
        serde_json::from_slice(&answer.unwrap_or_default()).map_err(|_| failed("it does not answer as such programs do".into()))?;
    let Answer { username, secret } = answer;
    Ok(Some(if username == "<token>" {
        Credentials::IdentityToken(secret)
    } else {
        Credentials::Password { user: username, password: secret }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_of_the_registry_that_is_asked() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.json");
        let of = |registry: &str| find(&path, registry);
        let password = |user: &str, password: &str| Some(Credentials::Password { user: user.into(), password: password.into() });
        assert_eq!(of("a.example").expect("no file"), None);
        let config = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"ZG9jazplcg=="},"a.example:5000":{"auth":"bWU6YTpi"},
            "t.example":{"identitytoken":"t"},"bad.example":{"auth":"bm9jb2xvbg=="}},"HttpHeaders":{}}"#;
        std::fs::write(&path, config).expect("written");
        assert_eq!(of("docker.io").expect("read"), password("dock", "er"));
        assert_eq!(of("a.example:5000").expect("read"), password("me", "a:b"));
        assert_eq!(of("t.example").expect("read"), Some(Credentials::IdentityToken("t".into())));
        for other in ["a.example", "a.example:5001", "b.a.example:5000", "example", ""] {
            assert_eq!(of(other).expect("read"), None, "{other}");
        }
        let error = of("bad.example").expect_err("none").to_string();
        assert!(!error.contains("nocolon") && !error.contains("bm9"), "{error}");
        std::fs::write(&path, r#"{"credsStore":"../x"}"#).expect("written");
        assert!(of("a.example").expect_err("no name").to_string().contains("no name of a program"));
        std::fs::write(&path, r#"{"credHelpers":{"a.example":"ambit-there-is-none"}}"#).expect("written");
        assert!(of("a.example").expect_err("none").to_string().contains("cannot be started"));
        assert_eq!(of("b.example").expect("read"), None);
        std::fs::write(&path, "secret").expect("written");
        assert!(!of("a.example").expect_err("no JSON").to_string().contains("secret"));
    }
}
