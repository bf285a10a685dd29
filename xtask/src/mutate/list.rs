//! What enforces each limit, and which tests notice.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use serde::Deserialize;

/// The list as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exempt: BTreeMap<String, String>,
    #[serde(default)]
    mutation: Vec<Row>,
}

/// A mutation for one limit, or for several that the same place enforces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    limit: Names,
    file: String,
    find: String,
    replace: String,
    test: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

/// The list.
#[derive(Debug)]
pub(super) struct List {
    /// Limits that nothing enforces because asking for them is refused, and the reason.
    pub(super) exempt: BTreeMap<String, String>,
    /// What to take out. A limit may have several.
    pub(super) mutations: Vec<Mutation>,
}

/// One limit's enforcement, and how to take it out.
#[derive(Debug, Clone)]
pub(super) struct Mutation {
    /// The limit's name.
    pub(super) limit: String,
    /// The file, from the repository's root.
    pub(super) file: String,
    /// A piece of the file that stands in it exactly once.
    pub(super) find: String,
    /// What to put in its place; it must compile.
    pub(super) replace: String,
    /// Arguments of `cargo test`: the tests that must notice.
    pub(super) test: String,
}

impl List {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let File { exempt, mutation } = toml::from_str(text).with_context(|| format!("cannot read {}", super::FILE))?;
        Ok(Self { exempt, mutations: mutation.into_iter().flat_map(Row::expand).collect() })
    }

    /// The limits of which the list says nothing.
    ///
    /// # Errors
    /// The list names what is no limit, or says of one that it is exempt and what enforces it.
    pub(super) fn missing<'a>(&self, limits: &'a [String]) -> anyhow::Result<Vec<&'a String>> {
        let mutated: BTreeSet<&String> = self.mutations.iter().map(|mutation| &mutation.limit).collect();
        for name in mutated.iter().copied().chain(self.exempt.keys()) {
            if !limits.contains(name) {
                bail!("there is no limit `{name}`");
            }
            if mutated.contains(name) && self.exempt.contains_key(name) {
                bail!("limit `{name}` is exempt and has a mutation");
            }
        }
        Ok(limits.iter().filter(|limit| !mutated.contains(limit) && !self.exempt.contains_key(*limit)).collect())
    }
}

impl Row {
    /// One mutation for each limit, its name in place of `{limit}`.
    fn expand(self) -> Vec<Mutation> {
        let Self { limit, file, find, replace, test } = self;
        let names = match limit {
            Names::One(name) => vec![name],
            Names::Many(names) => names,
        };
        let one = |limit: String| Mutation {
            file: file.clone(),
            find: find.clone(),
            replace: replace.replace("{limit}", &limit),
            test: test.replace("{limit}", &limit),
            limit,
        };
        names.into_iter().map(one).collect()
    }
}

impl Mutation {
    /// The file's text without the enforcement.
    ///
    /// # Errors
    /// `find` does not stand in it exactly once, or nothing would change.
    pub(super) fn apply(&self, source: &str) -> anyhow::Result<String> {
        let Self { limit, file, find, replace, .. } = self;
        if find.is_empty() || find == replace {
            bail!("limit `{limit}`: `find` must be something that `replace` is not");
        }
        match source.matches(find.as_str()).count() {
            1 => Ok(source.replacen(find.as_str(), replace, 1)),
            count => bail!("limit `{limit}`: `find` stands {count} times in `{file}`, not once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutation(find: &str, replace: &str) -> Mutation {
        let [limit, file, test] = ["memory", "a.rs", "-p a"].map(str::to_owned);
        Mutation { limit, file, find: find.into(), replace: replace.into(), test }
    }

    #[test]
    fn what_is_found_once_is_replaced() {
        let check = |find: &str, replace: &str, expect: Result<&str, &str>| {
            let applied = mutation(find, replace).apply("if a > b { no(); }\nno();\n").map_err(|error| error.to_string());
            match expect {
                Ok(expect) => assert_eq!(applied.as_deref(), Ok(expect)),
                Err(words) => assert!(applied.as_ref().is_err_and(|error| error.contains(words)), "{applied:?}"),
            }
        };
        check("a > b", "false", Ok("if false { no(); }\nno();\n"));
        check("no();", "", Err("2 times"));
        check("a < b", "false", Err("0 times"));
        check("", "x", Err("`find` must be"));
        check("a > b", "a > b", Err("`find` must be"));
    }

    #[test]
    fn no_limit_is_forgotten() {
        let limits = ["memory", "fuel", "files"].map(str::to_owned);
        let check = |text: &str, expect: Result<&[&str], &str>| {
            let missing = List::parse(text).and_then(|list| Ok(list.missing(&limits)?.into_iter().cloned().collect::<Vec<_>>()));
            match expect {
                Ok(expect) => assert_eq!(missing.expect("a good list"), expect),
                Err(words) => assert!(missing.as_ref().is_err_and(|error| format!("{error:#}").contains(words)), "{missing:?}"),
            }
        };
        let memory = "[[mutation]]\nlimit = 'memory'\nfile = 'a'\nfind = 'b'\nreplace = 'c'\ntest = 'd'\n";
        check(&format!("[exempt]\nfuel = 'why'\n{memory}"), Ok(&["files"]));
        check(memory, Ok(&["fuel", "files"]));
        check("[exempt]\nfule = 'why'\n", Err("no limit `fule`"));
        check(&format!("[exempt]\nmemory = 'why'\n{memory}"), Err("exempt and has a mutation"));
        check("[[mutation]]\nlimit = 'memory'\nfiles = 'a'\n", Err("unknown field"));
    }

    #[test]
    fn one_place_may_enforce_several() {
        let text = "[[mutation]]\nlimit = ['memory', 'fuel']\nfile = 'a'\nfind = 'b'\nreplace = '{limit}!'\ntest = 't {limit}'\n";
        let list = List::parse(text).expect("a good list");
        let shown: Vec<_> = list.mutations.iter().map(|m| (m.limit.as_str(), m.replace.as_str(), m.test.as_str())).collect();
        assert_eq!(shown, [("memory", "memory!", "t memory"), ("fuel", "fuel!", "t fuel")]);
    }
}
