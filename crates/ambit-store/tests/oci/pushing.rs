//! Registries that are pushed to.

use ambit_core::Digest;
use ambit_store::oci::{OciError, Pushed, Quiet, Registry};

use crate::{
    content::{Content, image, module, options, with_password},
    liar::{Answer, Liar},
};

fn push(registry: &Liar) -> Result<Pushed, OciError> {
    let module = module("good");
    let (_, parts) = Content::of(&module);
    let image = image(registry, ":1");
    Registry::new(&image.repository, options())?.push(&image, &parts, module.bytes(), &mut Quiet)
}

/// A registry that has nothing, takes blobs at `location`, and says that a manifest has this digest.
fn takes(location: String, digest: Option<Digest>) -> Liar {
    Liar::new(move |asked| match asked.method.as_str() {
        "HEAD" => Answer::status(404),
        "POST" => Answer::with(202, &[("Location", &location)], ""),
        "PUT" if asked.path.contains("/manifests/") => {
            let digest = digest.unwrap_or_else(|| Digest::of(&asked.body)).to_string();
            Answer::with(201, &[("Docker-Content-Digest", &digest)], "")
        }
        "PUT" => Answer::status(201),
        _ => Answer::status(405),
    })
}

#[test]
fn what_is_sent_is_whole() {
    let registry = takes("/v2/team/tool/blobs/uploads/1?state=x".into(), None);
    let (_, parts) = Content::of(&module("good"));
    let pushed = push(&registry).expect("pushed");
    assert_eq!(pushed, Pushed { digest: Digest::of(&parts.manifest), sent: 2, there: 0, signed: false });
    let asked = registry.asked();
    for put in asked.iter().filter(|asked| asked.method == "PUT" && asked.path.contains("/blobs/")) {
        assert!(put.path.ends_with(&format!("?state=x&digest={}", Digest::of(&put.body))), "{}", put.path);
    }
    let manifest = asked.last().expect("asked");
    assert_eq!((manifest.path.as_str(), &manifest.body), ("/v2/team/tool/manifests/1", &parts.manifest));
    assert_eq!(manifest.header("content-type"), Some("application/vnd.oci.image.manifest.v1+json"));
}

#[test]
fn oci_003_what_is_sent_goes_to_the_registry_itself() {
    let elsewhere = takes("/x".into(), None);
    for location in
        [format!("http://{}/x", elsewhere.host()), format!("https://{}/x", elsewhere.host()), "file:///x".into(), "//x/y".into()]
    {
        let registry = takes(location, None);
        let error = push(&registry).expect_err("refused").full();
        assert!(error.contains("which is refused"), "{error}");
        assert!(registry.asked().iter().all(|asked| asked.body.is_empty()));
    }
    assert!(elsewhere.asked().is_empty());
    let registry = Liar::new(|asked| if asked.method == "HEAD" { Answer::status(404) } else { Answer::redirect("/elsewhere") });
    let error = push(&registry).expect_err("refused").full();
    assert!(error.contains("goes to the registry itself"), "{error}");
}

#[test]
fn oci_001_a_registry_that_says_it_has_something_else_is_not_believed() {
    let error = push(&takes("/v2/u".into(), Some(Digest::of(b"other")))).expect_err("refused").full();
    assert!(error.contains("digest mismatch"), "{error}");
}

#[test]
fn a_token_to_push_with_is_asked_for_as_one() {
    let registry = Liar::new(|asked| match (asked.path.starts_with("/token"), asked.header("authorization")) {
        (true, _) => Answer::with(200, &[], r#"{"token":"t0ken"}"#),
        (false, Some("Bearer t0ken")) => Answer::status(if asked.method == "HEAD" { 200 } else { 201 }),
        (false, _) => {
            let realm = format!("Bearer realm=\"http://{}/token\"", asked.header("host").unwrap_or_default());
            Answer::with(401, &[("WWW-Authenticate", &realm)], "")
        }
    });
    let module = module("good");
    let (_, parts) = Content::of(&module);
    let image = image(&registry, ":1");
    let mut client = Registry::new(&image.repository, with_password()).expect("a client");
    let pushed = client.push(&image, &parts, module.bytes(), &mut Quiet).expect("pushed");
    assert_eq!((pushed.sent, pushed.there), (0, 2));
    let token = registry.asked().into_iter().find(|asked| asked.path.starts_with("/token")).expect("asked");
    assert_eq!(token.path, "/token?scope=repository%3Ateam%2Ftool%3Apull%2Cpush");
    assert_eq!(token.header("authorization"), Some("Basic bWU6c2VjcmV0"));
}
