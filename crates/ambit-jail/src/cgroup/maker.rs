//! Who made a group, from its name, so that what a crash left behind is told from what is in use.

use std::{fs, io::ErrorKind};

/// A process, told from a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Maker {
    /// The inode of its PID namespace: in another one the same id is another process.
    namespace: u64,
    pid: u32,
    /// When it was started, in ticks since the machine was.
    start: u64,
}

impl Maker {
    /// This process. `None` without `/proc`.
    pub(super) fn this() -> Option<Self> {
        let (pid, start) = parse_stat(&fs::read_to_string("/proc/self/stat").ok()?)?;
        Some(Self { namespace: namespace()?, pid, start })
    }

    /// The name of a group of this maker: `ambit-namespace-pid-start-name`.
    pub(super) fn group(&self, name: &str) -> String {
        let Self { namespace, pid, start } = self;
        format!("ambit-{namespace}-{pid}-{start}-{name}")
    }

    /// Who made the group of this name; `None` if it is none of Ambit's.
    pub(super) fn of(group: &str) -> Option<Self> {
        let mut fields = group.strip_prefix("ambit-")?.splitn(4, '-');
        let mut number = || fields.next().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let (namespace, pid, start) = (number()?.parse().ok()?, number()?.parse().ok()?, number()?.parse().ok()?);
        fields.next()?;
        Some(Self { namespace, pid, start })
    }

    /// Whether the process is gone for certain: it is not if it cannot be seen from here.
    pub(super) fn is_gone(&self) -> bool {
        if namespace() != Some(self.namespace) {
            return false;
        }
        match fs::read_to_string(format!("/proc/{}/stat", self.pid)) {
            Ok(stat) => parse_stat(&stat).is_some_and(|(_, start)| start != self.start),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }
}

/// The inode of this process's PID namespace, from a link `pid:[4026531836]`.
fn namespace() -> Option<u64> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()
}

/// Process id and start time, the first and 22nd field. The second is the program's name in brackets, which may hold anything.
fn parse_stat(stat: &str) -> Option<(u32, u64)> {
    let pid = stat.split_once(' ')?.0.parse().ok()?;
    let start = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    Some((pid, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read() {
        let tail = "S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 9 10";
        let check = |stat: String, expect| assert_eq!(parse_stat(&stat), expect, "{stat}");
        check(format!("42 (ambit) {tail}"), Some((42, 777)));
        check(format!("42 (a) S 1 (b) {tail}"), Some((42, 777)));
        check("42 (ambit) S 1".to_owned(), None);
        check(String::new(), None);
    }

    #[test]
    fn names_say_who_made_them() {
        let maker = Maker { namespace: 4026531836, pid: 12, start: 345 };
        assert_eq!(maker.group("w-1"), "ambit-4026531836-12-345-w-1");
        let check = |name: &str, expect| assert_eq!(Maker::of(name), expect, "{name}");
        check("ambit-4026531836-12-345-w-1", Some(maker));
        check("ambit-4026531836-12-345-", Some(maker));
        for other in
            ["ambit-4026531836-12-345", "ambit-1-2", "ambit-a-2-3-x", "ambit-1-+2-3-x", "ambit-1--3-x", "x-1-2-3-x", "ambit"]
        {
            check(other, None);
        }
    }

    #[test]
    fn only_who_is_certainly_gone_is_gone() {
        let this = Maker::this().expect("/proc is mounted");
        assert!(!this.is_gone());
        assert!(Maker { start: this.start + 1, ..this }.is_gone());
        // No process has an id beyond the kernel's greatest, 4 194 304.
        assert!(Maker { pid: 4_194_305, ..this }.is_gone());
        assert!(!Maker { pid: 4_194_305, namespace: 1, ..this }.is_gone());
    }
}
