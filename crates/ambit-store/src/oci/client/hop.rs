//! Whom a registry may send us to, and with what.
//!
//! | where to | is followed | with credentials | to addresses |
//! |---|---|---|---|
//! | the registry itself, host and port | yes | yes | any |
//! | a host that the user named | yes, with TLS unless that was waived for it | no | any |
//! | any other host | with TLS alone | no | public ones |
//! | another scheme than `http` and `https`, or with a name or password in it | no | | |

use ureq::http::{Uri, uri::Authority};

/// The registry, and what the user said of others.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) scheme: &'static str,
    /// `host` or `host:port`
    pub(super) authority: String,
    /// Hosts that it may send us to.
    pub(super) named: Vec<String>,
    /// Hosts that are spoken to without TLS.
    pub(super) plain_http: Vec<String>,
}

/// How somebody is gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is the registry itself.
    Home,
    /// The user named it.
    Named,
    /// The registry alone named it.
    Public,
}

impl Home {
    /// How `to` is gone to, or why nobody goes there.
    pub(super) fn judge(&self, to: &Uri) -> Result<Way, String> {
        let (Some(scheme), Some(authority)) = (to.scheme_str(), to.authority()) else { return Err("it is no address".into()) };
        if scheme != "http" && scheme != "https" {
            return Err("it is neither https nor http".into());
        }
        if authority.as_str().contains('@') {
            return Err("it has a name or password in it".into());
        }
        let to = host_and_port(scheme, authority);
        let home = self.authority.parse::<Authority>().map(|home| host_and_port(self.scheme, &home));
        if scheme == self.scheme && home.is_ok_and(|home| home == to) {
            return Ok(Way::Home);
        }
        let is_named = is_among(&self.named, authority);
        if scheme == "http" && !(is_named && is_among(&self.plain_http, authority)) {
            return Err(
                "it is plain HTTP, and not the registry itself: --registry-allow-host and --registry-plain-http with its name allow it".into()
            );
        }
        Ok(if is_named { Way::Named } else { Way::Public })
    }
}

/// Whether a host is among those that were named, each `host` or `host:port`.
pub(super) fn is_among(named: &[String], authority: &Authority) -> bool {
    let host = authority.host().to_ascii_lowercase();
    let with_port = authority.port_u16().map(|port| format!("{host}:{port}"));
    named.iter().map(|name| name.to_ascii_lowercase()).any(|name| name == host || Some(&name) == with_port.as_ref())
}

fn host_and_port(scheme: &str, authority: &Authority) -> (String, u16) {
    let usual = if scheme == "https" { 443 } else { 80 };
    (authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(usual))
}

/// Where a `Location` leads from an address: an address of its own, or a path.
pub(super) fn join(from: &Uri, location: &str) -> Result<Uri, String> {
    let whole = if location.starts_with('/') && !location.starts_with("//") {
        format!("{}://{}{location}", from.scheme_str().unwrap_or_default(), from.authority().map_or("", Authority::as_str))
    } else {
        location.to_owned()
    };
    whole.parse().map_err(|_| "it is no address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oci_003_nobody_is_followed_anywhere() {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let home = Home {
            scheme: "https",
            authority: "r.example:5000".into(),
            named: list(&["cdn.example", "in.example:81"]),
            plain_http: list(&["in.example:81"]),
        };
        let check = |to: &str, expect: Option<Way>| {
            let judged = to.parse::<Uri>().map_err(|error| error.to_string()).and_then(|to| home.judge(&to));
            assert_eq!(judged.ok(), expect, "{to}");
        };
        check("https://r.example:5000/x", Some(Way::Home));
        check("https://R.EXAMPLE:5000/x", Some(Way::Home));
        check("https://r.example/x", Some(Way::Public));
        check("https://cdn.example/x", Some(Way::Named));
        check("https://cdn.example:444/x", Some(Way::Named));
        check("http://in.example:81/x", Some(Way::Named));
        check("https://elsewhere.example/x", Some(Way::Public));
        for refused in [
            "http://r.example:5000/x",
            "http://cdn.example/x",
            "http://in.example/x",
            "http://169.254.169.254/x",
            "file:///etc/passwd",
            "ftp://r.example/x",
            "https://u:p@r.example:5000/x",
            "https://r.example:5000@elsewhere.example/x",
            "/x",
            "gopher://x/",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn where_a_location_leads() {
        let from = "http://localhost:5000/v2/".parse().expect("an address");
        let check = |location: &str, expect: &str| assert_eq!(join(&from, location).expect("an address").to_string(), expect);
        check("/v2/x?a=b", "http://localhost:5000/v2/x?a=b");
        check("https://other/x", "https://other/x");
        assert!(join(&from, "\u{0}").is_err());
    }
}
