//! Saying who we are, to whom it concerns.
//!
//! A registry asks with a challenge, and may name somebody else who gives tokens. Credentials go to the registry itself, and to hosts
//! that the user named; to anybody else goes the question for a token that everybody gets, if it is on the open network.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use ureq::http::{HeaderMap, Method, Uri, header, uri::Authority};

use super::{
    challenge::Challenge,
    credentials::Credentials,
    exchange::{Failure, Question, Registry},
    hop::{Way, is_among},
};
use crate::oci::error::OciError;

/// The most bytes of an answer with a token, and of the token.
const MOST_ANSWER: u64 = 64 << 10;
const MOST_TOKEN: usize = 32 << 10;
/// Docker's own registry, and who gives tokens for it.
const DOCKER_HUB: (&str, &str) = ("registry-1.docker.io", "auth.docker.io");

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    /// Has what the registry asks for in these headers, from now on.
    pub(super) fn authenticate(&mut self, what: &str, headers: &HeaderMap) -> Result<(), Failure> {
        let asked = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let denied = |why: &str| OciError::Denied { registry: self.name.clone(), what: what.to_owned(), why: why.to_owned() };
        let challenge = Challenge::choose(asked).ok_or_else(|| denied("it does not say how to be let in"))?;
        let credentials = self.options.credentials.find(&self.name)?;
        self.authorization = Some(match (challenge, credentials) {
            (Challenge::Basic, Some(Credentials::Password { user, password })) => basic(&user, &password),
            (Challenge::Basic, Some(Credentials::IdentityToken(_))) => {
                return Err(denied("it wants a name and a password, and there is a token for it").into());
            }
            (Challenge::Basic, None) => {
                let why = "it wants a name and a password: `docker login`, --registry-user, or AMBIT_REGISTRY_USER give them";
                return Err(denied(why).into());
            }
            (Challenge::Bearer { realm, service }, credentials) => {
                format!("Bearer {}", self.token(&realm, service.as_deref(), credentials)?)
            }
        });
        Ok(())
    }

    /// A token from the host that the registry named.
    fn token(&mut self, realm: &str, service: Option<&str>, credentials: Option<Credentials>) -> Result<String, Failure> {
        let what = "a token";
        let hop = |why: String| OciError::Hop { to: ambit_core::escape(realm, 200), why };
        let to: Uri = realm.parse().map_err(|_| hop("it is no address".into()))?;
        let way = self.home.judge(&to).map_err(hop)?;
        let trusted = way == Way::Home || to.authority().is_some_and(|host| self.gives_tokens(host));
        let credentials = credentials.filter(|_| trusted);
        // What we need, whatever the registry says that we should ask for.
        let scope = format!("repository:{}:{}", self.path, self.actions);
        let mut fields = vec![("scope", scope.as_str())];
        fields.extend(service.map(|service| ("service", service)));
        let mut question = Question::get(what, to.clone());
        let form;
        match &credentials {
            Some(Credentials::IdentityToken(token)) => {
                fields.extend([("grant_type", "refresh_token"), ("client_id", "ambit"), ("refresh_token", token)]);
                form = encoded(&fields);
                question = Question { method: Method::POST, body: form.as_bytes(), ..question }
                    .with(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            }
            Some(Credentials::Password { user, password }) => {
                question = question.with(header::AUTHORIZATION, basic(user, password));
            }
            None => {}
        }
        if question.method == Method::GET {
            let separator = if to.query().is_some() { '&' } else { '?' };
            let whole = format!("{to}{separator}{}", encoded(&fields));
            question.to = whole.parse().map_err(|_| hop("it is no address".into()))?;
        }
        // Nobody is followed from here, and nobody is told twice: an answer is a token or none.
        let reply = self.send_as(&question, way)?;
        if !reply.status().is_success() {
            let denied = |why: &str| OciError::Denied { registry: self.name.clone(), what: what.into(), why: why.into() };
            return Err(match reply.status().as_u16() {
                300..=399 => hop("who gives tokens sends to nobody else".into()).into(),
                401 | 403 if credentials.is_some() => denied("the credentials that were given do not allow it").into(),
                401 | 403 if !trusted => denied(
                    "who gives tokens for it wants credentials, and is another host: --registry-auth-host HOST has them sent there",
                )
                .into(),
                401 | 403 => {
                    denied("it wants credentials: `docker login`, --registry-user, or AMBIT_REGISTRY_USER give them").into()
                }
                _ => self.refused(what, reply).into(),
            });
        }
        let bytes = self.read(what, &to, reply, MOST_ANSWER)?;
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| OciError::refused(what, "it is not as tokens come"))?;
        let token = answer.token.or(answer.access_token).unwrap_or_default();
        if token.is_empty() || token.len() > MOST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OciError::refused(what, "it is empty, too long, or has signs that none has").into());
        }
        Ok(token)
    }

    /// Whether a host may have credentials for this registry.
    fn gives_tokens(&self, host: &Authority) -> bool {
        let pair = self.home.authority == DOCKER_HUB.0 && host.as_str() == DOCKER_HUB.1;
        pair || is_among(&self.options.auth_hosts, host)
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Fields of a form, or of a query.
fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}
