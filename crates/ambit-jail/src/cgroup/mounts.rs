//! Where hierarchies are mounted: `/proc/self/mountinfo`.

/// A mount of a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    /// The group at the mount point, from the root of the hierarchy: not `/` in a container that sees only its own part.
    pub(super) root: String,
    pub(super) point: String,
    /// It is not mounted read-only.
    pub(super) writable: bool,
    /// The controllers of a v1 hierarchy, among other options; `None` for v2.
    pub(super) controllers: Option<Vec<&'a str>>,
}

/// The mounts of hierarchies among all mounts, in their order.
pub(super) fn parse(text: &str) -> Vec<Mount<'_>> {
    text.lines().filter_map(line).collect()
}

/// `41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw`: any number of fields may stand before the dash.
fn line(line: &str) -> Option<Mount<'_>> {
    let (mount, kind) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point, options) = (mount.next()?, mount.next()?, mount.next()?);
    let mut kind = kind.split(' ');
    let (kind, _source, of_hierarchy) = (kind.next()?, kind.next()?, kind.next()?);
    let controllers = match kind {
        "cgroup2" => None,
        "cgroup" => Some(of_hierarchy.split(',').collect()),
        _ => return None,
    };
    let writable = options.split(',').next() == Some("rw");
    Some(Mount { root: unescape(root), point: unescape(point), writable, controllers })
}

/// The kernel writes space, tab, line feed and backslash as three octal digits.
fn unescape(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        match after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                text.push(char::from(byte));
                rest = &after[3..];
            }
            None => {
                text.push('\\');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read() {
        type Expect<'a> = Option<(&'a str, &'a str, bool, Option<&'a [&'a str]>)>;
        let check = |text: &str, expect: Expect<'_>| {
            let found = parse(text);
            let found = found.first().map(|m| (m.root.as_str(), m.point.as_str(), m.writable, m.controllers.as_deref()));
            assert_eq!(found, expect, "{text}");
        };
        check(
            "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
            Some(("/", "/sys/fs/cgroup/unified", true, None)),
        );
        check(
            "32 31 0:29 / /c/cpu,cpuacct rw,nosuid shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct",
            Some(("/", "/c/cpu,cpuacct", true, Some(&["rw", "cpu", "cpuacct"]))),
        );
        check("1 2 0:3 /docker/ab /c ro,nosuid - cgroup c rw,memory", Some(("/docker/ab", "/c", false, Some(&["rw", "memory"]))));
        check(r"1 2 0:3 /a\040b /c\134d\011 rw - cgroup2 none rw", Some(("/a b", "/c\\d\t", true, None)));
        check(r"1 2 0:3 /a\04 /c\999\377 rw - cgroup2 none rw", Some((r"/a\04", r"/c\999\377", true, None)));
        // Neither a hierarchy nor a line.
        check("31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755", None);
        check("1 2 0:3 / /c rw - cgroup2 none", None);
        check("1 2 0:3 / - cgroup2 none rw", None);
        check("", None);
    }

    #[test]
    fn the_order_is_kept() {
        let text = "1 0 0:1 / /a rw - cgroup2 x rw\n2 0 0:2 / /b rw - proc x rw\n3 0 0:3 / /c rw - cgroup x rw,pids\n";
        assert_eq!(parse(text).iter().map(|mount| mount.point.as_str()).collect::<Vec<_>>(), ["/a", "/c"]);
    }
}
