//! Who this process is, as far as jails depend on it.

use std::{fs, sync::OnceLock};

use rustix::{
    process::{geteuid, getpid},
    thread::{CapabilitySet, capabilities},
};

use crate::spawn::NOBODY;

/// Whether it is root with the right to make others into nobody. Root in a container may know no nobody, and root that was taken the
/// right is like any user: both have jails as users have them.
pub(crate) fn is_root() -> bool {
    static IS_ROOT: OnceLock<bool> = OnceLock::new();
    *IS_ROOT.get_or_init(|| {
        let needed = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::SYS_ADMIN;
        geteuid().is_root()
            && capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
            && ["/proc/self/uid_map", "/proc/self/gid_map"]
                .iter()
                .all(|map| fs::read_to_string(map).is_ok_and(|map| maps(&map, NOBODY)))
    })
}

/// Whether `/proc` shows processes by the numbers that they have for us.
pub(crate) fn proc_is_ours() -> bool {
    let shown = fs::read_link("/proc/self").ok().and_then(|link| link.to_str()?.parse::<i32>().ok());
    shown == Some(getpid().as_raw_nonzero().get())
}

/// Whether a map of users or groups has this one.
fn maps(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map_while(|number| number.parse::<u64>().ok());
        let (Some(first), Some(_), Some(count)) = (numbers.next(), numbers.next(), numbers.next()) else { return false };
        (first..first.saturating_add(count)).contains(&u64::from(id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_whom_they_cover() {
        assert!(maps("         0          0 4294967295\n", NOBODY));
        assert!(!maps("0 1000 1\n", NOBODY));
        assert!(maps("0 1000 1\n1 100000 65536\n", NOBODY));
        assert!(!maps("0 0 65534\n", NOBODY));
        assert!(!maps("", NOBODY) && !maps("x y z\n0 0\n", NOBODY));
    }
}
