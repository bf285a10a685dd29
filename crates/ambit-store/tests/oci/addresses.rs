//! Registries that send elsewhere.

use ambit_store::oci::RegistryOptions;

use crate::{
    content::{Content, module, options, pull, pull_with, refused, with_password},
    liar::{Answer, Asked, Liar},
};

/// A registry that lets nobody in without a token, gives one itself, and sends for blobs to `to`.
fn sends_to(to: String) -> Liar {
    let (content, _) = Content::of(&module("good"));
    content.served(move |asked| {
        if asked.path.starts_with("/token") {
            return Some(Answer::with(200, &[], r#"{"token":"t0ken"}"#));
        }
        if asked.header("authorization") != Some("Bearer t0ken") {
            let host = asked.header("host").unwrap_or_default();
            return Some(Answer::with(
                401,
                &[("WWW-Authenticate", &format!("Bearer realm=\"http://{host}/token\",service=\"s\""))],
                "",
            ));
        }
        let digest = asked.path.rsplit('/').next().unwrap_or_default();
        asked.path.contains("/blobs/").then(|| Answer::redirect(&to.replace("DIGEST", digest)))
    })
}

/// Somebody on this machine who is none of the registry's business.
fn bystander() -> Liar {
    let (content, _) = Content::of(&module("good"));
    content.served(|_| None)
}

fn tokens(asked: &[Asked]) -> Vec<&str> {
    asked.iter().filter_map(|asked| asked.header("authorization")).collect()
}

#[test]
fn oci_003_nobody_is_followed_inside() {
    let bystander = bystander();
    let port = bystander.host().rsplit(':').next().expect("a port").to_owned();
    for to in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1/x".to_owned(),
        format!("http://127.0.0.1:{port}/x"),
        format!("https://127.0.0.1:{port}/x"),
        format!("https://localhost:{port}/x"),
        format!("https://2130706433:{port}/x"),
        format!("https://[::ffff:127.0.0.1]:{port}/x"),
        format!("//127.0.0.1:{port}/x"),
        "https://10.0.0.1/x".to_owned(),
        String::new(),
    ] {
        refused(pull_with(&sends_to(to.clone()), ":1", with_password()), &["which is refused"]);
    }
    assert!(bystander.asked().is_empty(), "{:?}", bystander.asked());
}

#[test]
fn oci_003_a_token_stays_with_the_registry() {
    let bystander = bystander();
    let registry = sends_to(format!("http://{}/v2/team/tool/blobs/DIGEST", bystander.host()));
    let allowed = RegistryOptions { allow_hosts: vec![bystander.host()], plain_http: vec![bystander.host()], ..with_password() };
    pull_with(&registry, ":1", allowed.clone()).expect("its user named that host");
    assert_eq!(bystander.asked().len(), 2);
    assert_eq!(tokens(&bystander.asked()), Vec::<&str>::new());
    assert!(tokens(&registry.asked()).contains(&"Bearer t0ken"));
    // Named, but not to be spoken to in the clear.
    let unnamed = RegistryOptions { plain_http: Vec::new(), ..allowed };
    refused(pull_with(&registry, ":1", unnamed), &["plain HTTP", "--registry-plain-http"]);
}

#[test]
fn oci_003_a_registry_sends_on_five_times_at_most() {
    let (content, _) = Content::of(&module("good"));
    let registry = content.served(|asked| asked.path.contains("/blobs/").then(|| Answer::redirect(&asked.path)));
    refused(pull(&registry), &["more than 5 times"]);
    let times = registry.asked().iter().filter(|asked| asked.path.contains("/blobs/")).count();
    assert_eq!(times, 6);
}

/// A registry that says that tokens are to be had at `realm`.
fn with_realm(realm: String) -> Liar {
    let (content, _) = Content::of(&module("good"));
    content.served(move |asked| {
        let asks = asked.header("authorization") != Some("Bearer t0ken");
        asks.then(|| {
            Answer::with(401, &[("WWW-Authenticate", &format!("Bearer realm=\"{realm}\",service=\"s\",scope=\"everything\""))], "")
        })
    })
}

fn gives_tokens() -> Liar {
    Liar::new(|_| Answer::with(200, &[], r#"{"access_token":"t0ken"}"#))
}

#[test]
fn oci_004_nobody_asks_for_tokens_inside() {
    let inside = gives_tokens();
    let host = inside.host();
    for realm in [
        format!("http://{host}/token"),
        format!("https://{host}/token"),
        format!("https://localhost:{}/token", host.rsplit(':').next().expect("a port")),
        "http://169.254.169.254/token".into(),
        "https://169.254.169.254/token".into(),
        "file:///etc/passwd".into(),
        "/token".into(),
        "not an address".into(),
    ] {
        refused(pull_with(&with_realm(realm), ":1", with_password()), &["which is refused"]);
    }
    assert!(inside.asked().is_empty(), "{:?}", inside.asked());
}

#[test]
fn oci_004_a_password_is_for_the_registry_and_whom_its_user_named() {
    let elsewhere = gives_tokens();
    let host = elsewhere.host();
    let realm = format!("http://{host}/token?a=b");
    let allowed = RegistryOptions { allow_hosts: vec![host.clone()], plain_http: vec![host.clone()], ..with_password() };
    pull_with(&with_realm(realm.clone()), ":1", allowed.clone()).expect("a token that everybody gets");
    let asked = elsewhere.asked().pop().expect("asked");
    assert_eq!(asked.header("authorization"), None);
    // What is needed, whatever the registry says should be asked for.
    assert_eq!(asked.path, "/token?a=b&scope=repository%3Ateam%2Ftool%3Apull&service=s");
    let named = RegistryOptions { auth_hosts: vec![host], ..allowed };
    pull_with(&with_realm(realm), ":1", named).expect("pulled");
    assert_eq!(elsewhere.asked().pop().expect("asked").header("authorization"), Some("Basic bWU6c2VjcmV0"));
}

#[test]
fn oci_004_a_token_is_a_token() {
    for token in ["", "a b", "a\\r\\nHost: other", "\\u001b[2J"] {
        let elsewhere = Liar::new(move |_| Answer::with(200, &[], format!("{{\"token\":\"{token}\"}}")));
        let host = elsewhere.host();
        let options = RegistryOptions { allow_hosts: vec![host.clone()], plain_http: vec![host.clone()], ..options() };
        refused(pull_with(&with_realm(format!("http://{host}/token")), ":1", options), &["a token is refused"]);
    }
    for (answer, words) in [
        (Answer::redirect as fn(&str) -> Answer, "sends to nobody else"),
        (|_| Answer::with(200, &[], vec![b' '; 1 << 20]), "larger than it may be"),
        (|_| Answer::status(403), "wants credentials"),
    ] {
        let elsewhere = Liar::new(move |_| answer("http://127.0.0.1:1/token"));
        let host = elsewhere.host();
        let options = RegistryOptions { allow_hosts: vec![host.clone()], plain_http: vec![host.clone()], ..options() };
        refused(pull_with(&with_realm(format!("http://{host}/token")), ":1", options), &[words]);
    }
}

#[test]
fn who_is_not_let_in_is_told_what_would_help() {
    let registry = Liar::new(|_| Answer::with(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], ""));
    refused(pull(&registry), &["--registry-user", "AMBIT_REGISTRY_USER"]);
    refused(pull_with(&registry, ":1", with_password()), &["do not allow it"]);
    // Once with it, and not again.
    assert_eq!(tokens(&registry.asked()).len(), 1);
    let silent = Liar::new(|_| Answer::status(401));
    refused(pull(&silent), &["does not say how"]);
}
