//! In which group of v2 this process may make groups that bound something.
//!
//! In v2 a group that passes controllers on to its children has no processes of its own, the root excepted. This process's own
//! group has at least this process in it, so outside of the root its children bound nothing, and an ancestor has to serve:
//! one that passes the controllers on already, as those of systemd do, or that was delegated to this user and may be told to.

use std::path::Path;

use super::{
    dir::{Dir, Made},
    hierarchies::Place,
    limits::Resource,
};

/// Where groups are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) dir: Dir,
    /// What its children bound.
    pub(super) enabled: Vec<Resource>,
}

/// The nearest group, from this process's own upwards, in which groups can be made and bound whatever the host can bound; if
/// there is none, the one whose groups bound most. Beside it what stood in the way.
pub(super) fn find(place: &Place, probe: &str) -> (Option<Parent>, Vec<String>) {
    let wanted = resources(&Dir::at(&place.top), "cgroup.controllers");
    let mut best: Option<Parent> = None;
    let mut refused = Vec::new();
    for path in place.own.ancestors().take_while(|path| path.starts_with(&place.top)) {
        let dir = Dir::at(path);
        if path == place.own || is_delegated(path) {
            enable(&dir, &wanted, &mut refused);
        }
        let enabled = resources(&dir, "cgroup.subtree_control");
        if best.as_ref().is_some_and(|best| best.enabled.len() >= enabled.len()) {
            continue;
        }
        match Made::child(&dir, probe) {
            Ok(_removed) if enabled.len() == wanted.len() => return (Some(Parent { dir, enabled }), Vec::new()),
            Ok(_removed) => best = Some(Parent { dir, enabled }),
            Err(error) => refused.push(error.to_string()),
        }
    }
    (best, refused)
}

/// Passes on each of `wanted` that can be: one by one, since the kernel takes all or nothing.
fn enable(dir: &Dir, wanted: &[Resource], refused: &mut Vec<String>) {
    let (has, enabled) = (resources(dir, "cgroup.controllers"), resources(dir, "cgroup.subtree_control"));
    for resource in wanted.iter().filter(|resource| has.contains(resource) && !enabled.contains(resource)) {
        if let Err(error) = dir.write("cgroup.subtree_control", &format!("+{}", resource.controller())) {
            refused.push(error.to_string());
        }
    }
}

/// What a list of controllers bounds.
fn resources(dir: &Dir, file: &str) -> Vec<Resource> {
    let list = dir.read(file).unwrap_or_default();
    Resource::ALL.into_iter().filter(|resource| list.split_whitespace().any(|name| name == resource.controller())).collect()
}

/// Whether systemd marked the group as somebody's own to arrange. Without the mark even root leaves it as it is.
fn is_delegated(path: &Path) -> bool {
    ["trusted.delegate", "user.delegate"].into_iter().any(|name| {
        let mut value = [0; 1];
        rustix::fs::getxattr(path, name, &mut value[..]).is_ok_and(|length| value[..length] == *b"1")
    })
}
