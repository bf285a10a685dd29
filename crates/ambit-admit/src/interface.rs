//! Names of component-model interfaces.

/// An interface name in its parts: `wasi:io/streams@0.2.6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interface<'a> {
    /// Namespace and package: `wasi:io`.
    pub(crate) package: &'a str,
    /// The interface: `streams`.
    pub(crate) name: &'a str,
    /// The version: `0.2.6`.
    pub(crate) version: Option<&'a str>,
}

impl<'a> Interface<'a> {
    /// The parts of `text`, or nothing if it is no interface name.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (package, rest) = text.split_once('/')?;
        let (namespace, bare) = package.split_once(':')?;
        let (name, version) = match rest.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (rest, None),
        };
        let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (word(namespace) && word(bare) && word(name)).then_some(Self { package, name, version })
    }

    /// Whether the version is `0.2.x`. Pre-releases are not: they were incompatible with each other.
    pub(crate) fn is_preview2(&self) -> bool {
        self.patch_of("0.2.")
    }

    /// Whether the version is `0.3.x` or leads to it.
    pub(crate) fn is_preview3(&self) -> bool {
        self.version.is_some_and(|version| version.starts_with("0.3.") || version == "0.3")
    }

    fn patch_of(&self, minor: &str) -> bool {
        let patch = self.version.and_then(|version| version.strip_prefix(minor));
        patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let check = |text: &str, expect: Option<(&str, &str, Option<&str>)>| {
            let found = Interface::parse(text).map(|i| (i.package, i.name, i.version));
            assert_eq!(found, expect, "{text}");
        };
        check("wasi:io/streams@0.2.6", Some(("wasi:io", "streams", Some("0.2.6"))));
        check("a:b/c", Some(("a:b", "c", None)));
        for bad in ["", "streams", "wasi:io", "wasi/io", ":io/streams", "wasi:/x", "wasi:io/", "wasi:io/a b", "locked-dep=<a:b/c>"]
        {
            check(bad, None);
        }
    }

    #[test]
    fn versions() {
        let check = |text: &str, two: bool, three: bool| {
            let interface = Interface::parse(text).expect("an interface");
            assert_eq!((interface.is_preview2(), interface.is_preview3()), (two, three), "{text}");
        };
        check("wasi:io/streams@0.2.0", true, false);
        check("wasi:io/streams@0.2.12", true, false);
        check("wasi:io/streams@0.2.0-rc-2023-11-10", false, false);
        check("wasi:io/streams@0.2.", false, false);
        check("wasi:io/streams@0.20.1", false, false);
        check("wasi:io/streams@0.3.0", false, true);
        check("wasi:io/streams@0.3.0-rc-2025-09-16", false, true);
        check("wasi:io/streams", false, false);
    }
}
