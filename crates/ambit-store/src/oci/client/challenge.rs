//! What a registry asks for before it answers: `WWW-Authenticate`.

use std::collections::BTreeMap;

/// The most bytes of it that are read.
const LONGEST: usize = 4096;

/// What it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token that is had at `realm`.
    Bearer {
        realm: String,
        /// For whom it is.
        service: Option<String>,
    },
}

impl Challenge {
    /// The first of several that is understood; one for a token before one for a password.
    pub(super) fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut understood: Vec<Self> = headers.filter_map(Self::parse).collect();
        let at = understood.iter().position(|challenge| matches!(challenge, Self::Bearer { .. })).unwrap_or(0);
        (at < understood.len()).then(|| understood.swap_remove(at))
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut said = parameters(rest)?;
        Some(Self::Bearer { realm: said.remove("realm")?, service: said.remove("service") })
    }
}

/// `a="b",c=d`, where what is in quotes may have commas and escaped quotes.
fn parameters(text: &str) -> Option<BTreeMap<String, String>> {
    let mut said = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => after.split_once(',').map_or((after.to_owned(), ""), |(value, rest)| (value.to_owned(), rest)),
        };
        said.insert(name.trim().to_ascii_lowercase(), value);
        rest = after.trim_start_matches([',', ' ']);
    }
    Some(said)
}

/// What stands before the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let check = |headers: &[&str], expect: Option<Challenge>| assert_eq!(Challenge::choose(headers.iter().copied()), expect);
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.map(str::to_owned) })
        };
        check(&["Basic realm=\"x\""], Some(Challenge::Basic));
        check(&["bearer realm=\"https://a/t\",service=\"s,t\", scope=\"x:y:pull,push\""], bearer("https://a/t", Some("s,t")));
        check(&["Bearer realm=https://a/t"], bearer("https://a/t", None));
        check(&["Bearer realm=\"a\\\"b\""], bearer("a\"b", None));
        check(&["Basic realm=\"x\"", "Bearer realm=\"y\""], bearer("y", None));
        check(&["Bearer service=\"s\""], None);
        check(&["Bearer realm=\"open"], None);
        check(&["Negotiate", ""], None);
        check(&[&format!("Bearer realm=\"{}\"", "x".repeat(5000))], None);
        check(&[], None);
    }
}
