//! Which groups this process is in: `/proc/self/cgroup`.

/// One line: this process's group in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Membership<'a> {
    /// The controllers of a v1 hierarchy, several if they share it; empty for that of v2.
    pub(super) controllers: Vec<&'a str>,
    /// The group's path from the root of the hierarchy, as this process's cgroup namespace shows it. Begins with `/..` if the
    /// group lies outside of the namespace.
    pub(super) path: &'a str,
}

/// Every line that can be read. The kernel does not escape paths here, and a group's name has no line feed.
pub(super) fn parse(text: &str) -> Vec<Membership<'_>> {
    text.lines().filter_map(line).collect()
}

/// `4:memory:/a/b`, `2:cpu,cpuacct:/`, `0::/a` for v2. A path may contain colons.
fn line(line: &str) -> Option<Membership<'_>> {
    let mut fields = line.splitn(3, ':');
    let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    id.parse::<u32>().ok()?;
    path.starts_with('/')
        .then(|| Membership { controllers: controllers.split(',').filter(|name| !name.is_empty()).collect(), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let check = |text: &str, expect: &[(&[&str], &str)]| {
            let found = parse(text);
            let found: Vec<_> = found.iter().map(|found| (&found.controllers[..], found.path)).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("0::/user.slice/x.scope\n", &[(&[], "/user.slice/x.scope")]);
        check("4:memory:/a\n2:cpu,cpuacct:/\n", &[(&["memory"], "/a"), (&["cpu", "cpuacct"], "/")]);
        check("9:name=systemd:/\n0::/\n", &[(&["name=systemd"], "/"), (&[], "/")]);
        check("0::/a:b/c d\\040", &[(&[], "/a:b/c d\\040")]);
        check("0::/../x", &[(&[], "/../x")]);
        // What is no such line is none.
        for nothing in ["", "\n", "0::", "0:", "x::/", "0::a", "1:cpu"] {
            check(nothing, &[]);
        }
    }
}
