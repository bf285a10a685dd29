//! One question to a registry, and its answer: within bounds, to nobody but whom it may go to.

use std::{
    fs,
    io::Read,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_core::escape;
use ureq::{
    Agent, Body, SendBody,
    config::Config,
    http::{Method, Request, Response, StatusCode, Uri, header},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem},
    unversioned::{resolver::DefaultResolver, transport::DefaultConnector},
};

use super::{
    RegistryOptions,
    address::{Reach, Reaching, Unreachable},
    hop::{Home, Way, is_among, join},
    retry,
};
use crate::{image_name::Repository, oci::error::OciError};

/// As many times a registry may send us on.
const MOST_HOPS: usize = 5;
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(20);
/// The most bytes of what a registry says of a failure that are read, and that are shown.
const MOST_SAID: u64 = 16 << 10;
const SHOWN: usize = 300;
/// Where the machine keeps whom it believes.
const AUTHORITIES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"];
/// What Docker's own registry is called, and where it is.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// The client of one repository.
#[derive(Debug)]
pub struct Registry {
    /// What people call the registry.
    pub(super) name: String,
    /// The repository, as the registry has it.
    pub(super) path: String,
    pub(super) home: Home,
    pub(super) options: RegistryOptions,
    /// For the registry itself, for whom the user named, and for whom others did.
    own: Agent,
    named: Agent,
    public: Agent,
    began: Instant,
    /// What says that we may do it, once we were asked.
    pub(super) authorization: Option<String>,
    /// What is to be done there: `pull`, or `pull,push`.
    pub(super) actions: &'static str,
}

/// A question.
#[derive(Clone)]
pub(super) struct Question<'a> {
    /// What is asked for, as people call it.
    pub(super) what: &'a str,
    pub(super) method: Method,
    pub(super) to: Uri,
    pub(super) headers: Vec<(header::HeaderName, String)>,
    pub(super) body: &'a [u8],
    /// Who is told how much of the body has gone.
    pub(super) meter: Option<&'a dyn Fn(u64)>,
}

/// A body, of which it is told how much was taken.
struct Metered<'a> {
    rest: &'a [u8],
    taken: u64,
    meter: Option<&'a dyn Fn(u64)>,
}

impl Read for Metered<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.rest.read(into)?;
        self.taken += read as u64;
        if let Some(meter) = self.meter {
            meter(self.taken);
        }
        Ok(read)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: OciError,
    /// Whether there may be one later, and after how long, if somebody said.
    pub(super) again: Option<Option<Duration>>,
}

impl From<OciError> for Failure {
    fn from(error: OciError) -> Self {
        Self { error, again: None }
    }
}

impl<'a> Question<'a> {
    pub(super) fn get(what: &'a str, to: Uri) -> Self {
        Self { what, method: Method::GET, to, headers: Vec::new(), body: &[], meter: None }
    }

    pub(super) fn with(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Registry {
    /// A client for one repository. Nobody is asked anything yet.
    ///
    /// # Errors
    /// The certificates of authorities cannot be read.
    pub fn new(repository: &Repository, options: RegistryOptions) -> Result<Self, OciError> {
        let (name, mut path) = (repository.registry().to_owned(), repository.path().to_string());
        let authority = if name == DOCKER_HUB.0 { DOCKER_HUB.1.to_owned() } else { name.clone() };
        if name == DOCKER_HUB.0 && !path.contains('/') {
            path = format!("library/{path}");
        }
        let at = authority.parse().map_err(|_| OciError::refused(&name, "it is no address"))?;
        let (scheme, reach) = if is_among(&options.plain_http, &at) {
            ("http", Reach::Any)
        } else if is_loopback(at.host()) && options.authorities.is_none() {
            ("http", Reach::Loopback)
        } else {
            ("https", Reach::Any)
        };
        let roots = match authorities(options.authorities.as_deref()) {
            // Somebody it sends us to may need them; who is believed by nobody is not gone to.
            Err(_) if scheme == "http" => Vec::new(),
            found => found?,
        };
        let named = [&options.allow_hosts, &options.auth_hosts].into_iter().flatten().cloned().collect();
        let home = Home { scheme, authority, named, plain_http: options.plain_http.clone() };
        let agent = |reach| agent(&options, reach, &roots);
        let (own, named, public) = (agent(reach), agent(Reach::Any), agent(Reach::Public));
        Ok(Self { name, path, home, own, named, public, began: Instant::now(), authorization: None, actions: "pull", options })
    }

    /// An address of the repository: `manifests/latest`.
    pub(super) fn address(&self, below: &str) -> Result<Uri, OciError> {
        let Home { scheme, authority, .. } = &self.home;
        let text = format!("{scheme}://{authority}/v2/{}/{below}", self.path);
        text.parse().map_err(|_| OciError::refused(escape(text, 200), "it is no address"))
    }

    /// How long is left of the time for all of it.
    pub(super) fn left(&self) -> Duration {
        self.options.total.saturating_sub(self.began.elapsed())
    }

    /// Asks, and tries again if that may help. An answer of any status that is no passing failure is one.
    pub(super) fn ask(&mut self, question: &Question<'_>) -> Result<Response<Body>, OciError> {
        self.persist(question.what, |registry| registry.ask_once(question))
    }

    /// Does something until it succeeds, or fails for good.
    pub(super) fn persist<T>(&mut self, what: &str, mut once: impl FnMut(&mut Self) -> Result<T, Failure>) -> Result<T, OciError> {
        let mut attempt = 1;
        loop {
            let Failure { error, again } = match once(self) {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let Some(asked) = again else { return Err(error) };
            if !self.options.backoff.wait(attempt, asked, self.left()) {
                return Err(if self.left().is_zero() { self.timed_out(what) } else { error });
            }
            attempt += 1;
        }
    }

    /// Asks, once; tells who we are if that is asked for; goes where it is sent, if it may.
    pub(super) fn ask_once(&mut self, question: &Question<'_>) -> Result<Response<Body>, Failure> {
        let mut to = question.to.clone();
        let mut told = false;
        for _ in 0..=MOST_HOPS {
            let way = self.home.judge(&to).map_err(|why| OciError::Hop { to: escape(to.to_string(), 200), why })?;
            let reply = self.send(question, &to, way)?;
            let status = reply.status();
            if status == StatusCode::UNAUTHORIZED && way == Way::Home && !told {
                self.authenticate(question.what, reply.headers())?;
                told = true;
                continue;
            }
            if !status.is_redirection() {
                return if retry::is_transient_status(status.as_u16()) {
                    let after = reply.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                    Err(Failure { error: self.refused(question.what, reply), again: Some(after.map(Duration::from_secs)) })
                } else {
                    Ok(reply)
                };
            }
            let location = reply.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let hop = |why: &str| OciError::Hop { to: escape(location, 200), why: why.into() };
            if !matches!(question.method, Method::GET | Method::HEAD) {
                return Err(hop("what is sent goes to the registry itself").into());
            }
            to = join(&to, location).map_err(|why| hop(&why))?;
        }
        Err(OciError::Hop { to: escape(to.to_string(), 200), why: format!("that is more than {MOST_HOPS} times") }.into())
    }

    /// Asks whoever gives tokens: with nothing of what the registry is told.
    pub(super) fn send_as(&self, question: &Question<'_>, way: Way) -> Result<Response<Body>, Failure> {
        self.send_with(question, &question.to, way, None)
    }

    fn send(&self, question: &Question<'_>, to: &Uri, way: Way) -> Result<Response<Body>, Failure> {
        // To the registry, and to nobody else.
        let authorization = self.authorization.as_deref().filter(|_| way == Way::Home);
        self.send_with(question, to, way, authorization)
    }

    fn send_with(
        &self,
        question: &Question<'_>,
        to: &Uri,
        way: Way,
        authorization: Option<&str>,
    ) -> Result<Response<Body>, Failure> {
        let Question { what, method, to: _, headers, body, meter } = question;
        let left = self.left();
        if left.is_zero() {
            return Err(self.timed_out(what).into());
        }
        let mut request = Request::builder().method(method.clone()).uri(to.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let agent = match way {
            Way::Home => &self.own,
            Way::Named => &self.named,
            Way::Public => &self.public,
        };
        let has_body = matches!(*method, Method::PUT | Method::POST | Method::PATCH);
        let no_request = |_| OciError::refused(*what, "it cannot be asked for");
        let reply = if has_body {
            let mut reader = Metered { rest: body, taken: 0, meter: *meter };
            let request =
                request.header(header::CONTENT_LENGTH, body.len()).body(SendBody::from_reader(&mut reader)).map_err(no_request)?;
            agent.run(agent.configure_request(request).timeout_global(Some(left)).build())
        } else {
            let request = request.body(()).map_err(no_request)?;
            agent.run(agent.configure_request(request).timeout_global(Some(left)).build())
        };
        reply.map_err(|error| self.failed(what, to, error))
    }

    /// What went wrong on the way.
    pub(super) fn failed(&self, what: &str, to: &Uri, error: ureq::Error) -> Failure {
        if let ureq::Error::Timeout(ureq::Timeout::Global) = error {
            return self.timed_out(what).into();
        }
        if let ureq::Error::Other(other) = &error
            && let Some(unreachable) = other.downcast_ref::<Unreachable>()
        {
            return OciError::Hop { to: escape(to.to_string(), 200), why: unreachable.to_string() }.into();
        }
        let again = retry::is_transient(&error).then_some(None);
        let (registry, what) = (self.name.clone(), what.to_owned());
        Failure { error: OciError::Transport { registry, what, source: Box::new(error) }, again }
    }

    fn timed_out(&self, what: &str) -> OciError {
        OciError::TimedOut { registry: self.name.clone(), what: what.to_owned(), after: self.options.total }
    }

    /// What is made of an answer that is none.
    pub(super) fn refused(&self, what: &str, reply: Response<Body>) -> OciError {
        let (registry, what, status) = (self.name.clone(), what.to_owned(), reply.status());
        match status {
            StatusCode::NOT_FOUND => OciError::NotFound { registry, what, near: "" },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let why = match &self.authorization {
                    Some(_) => "the credentials that were given do not allow it",
                    None => "it wants credentials: `docker login`, --registry-user, or AMBIT_REGISTRY_USER give them",
                };
                OciError::Denied { registry, what, why: why.into() }
            }
            status => {
                let mut said = Vec::new();
                // What cannot be read of it is not shown.
                let _ = reply.into_body().into_reader().take(MOST_SAID).read_to_end(&mut said);
                let said = if said.is_empty() { String::new() } else { format!(": {}", escape(said.trim_ascii(), SHOWN)) };
                OciError::Status { registry, status: status.as_u16(), what, said }
            }
        }
    }

    /// All of a small answer.
    pub(super) fn read(&self, what: &str, to: &Uri, reply: Response<Body>, most: u64) -> Result<Vec<u8>, Failure> {
        let too_large = || OciError::TooLarge { what: what.to_owned(), most };
        if reply.body().content_length().is_some_and(|length| length > most) {
            return Err(too_large().into());
        }
        let mut bytes = Vec::new();
        let read = reply.into_body().into_reader().take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| self.failed(what, to, error.into()))?;
        if bytes.len() as u64 > most { Err(too_large().into()) } else { Ok(bytes) }
    }
}

/// Whether a host is this machine by its very name.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn agent(options: &RegistryOptions, reach: Reach, roots: &[Certificate<'static>]) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(roots))
        .build();
    let config = Config::builder()
        .tls_config(tls)
        // A proxy would look names up itself, and nothing here could be said of where they lead.
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("ambit/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(options.idle))
        .timeout_per_write(Some(options.idle))
        .timeout_recv_response(Some(options.idle))
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Reaching { reach, lookup: DefaultResolver::default() })
}

/// Whom we believe: the machine's authorities, and one more if somebody named it.
fn authorities(more: Option<&Path>) -> Result<Vec<Certificate<'static>>, OciError> {
    let mut found = Vec::new();
    if let Some(bytes) = AUTHORITIES.iter().find_map(|path| fs::read(path).ok()) {
        // One that cannot be read is one that is not believed.
        found.extend(certificates(&bytes));
    }
    if let Some(path) = more {
        let bytes = fs::read(path).map_err(OciError::file("read the certificates in", path))?;
        let given = certificates(&bytes);
        if given.is_empty() {
            return Err(OciError::refused(format!("`{}`", path.display()), "it has no certificate in PEM"));
        }
        found.extend(given);
    }
    if found.is_empty() {
        let why = "this machine has none; install ca-certificates, or name a file of them with --registry-ca FILE";
        return Err(OciError::refused("a registry without authorities to believe", why));
    }
    Ok(found)
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(Result::ok);
    items
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect()
}
