//! In which group of v2 this process may make groups that bound something.
//!
//! In v2 a group that passes controllers on to its children has no processes of its own, the root excepted. This process's own
//! group has at least this process in it, so outside of the root its children bound nothing, and an ancestor has to serve:
//! one that passes the controllers on already, as those of systemd do, or that was delegated to this user and may be told to.

use std::{io, path::Path};

use super::{
    dir::{Dir, Made},
    hierarchies::Place,
    limits::Resource,
};
use crate::JailError;

/// Where groups are made, and what can be done with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) dir: Dir,
    /// What its children bound.
    pub(super) enabled: Vec<Resource>,
    pub(super) kill: bool,
    pub(super) freeze: bool,
}

/// The nearest group, from this process's own upwards, in which groups can be made that bound all of `wanted`; if there is
/// none, the one whose groups bound most of it. Beside it what stood in the way of more.
pub(super) fn find(place: &Place, wanted: &[Resource], probe: &str) -> (Option<Parent>, Option<String>) {
    let mut best: Option<Parent> = None;
    // Of what is refused on the way up only the first is told: the others are mostly the same again.
    let mut refused: Option<JailError> = None;
    for path in place.own.ancestors().take_while(|path| path.starts_with(&place.top)) {
        let dir = Dir::at(path);
        if path == place.own || is_delegated(path) {
            let enabled = enable(&dir, wanted);
            refused = refused.or(enabled.err());
        }
        let mut enabled = resources(&dir, "cgroup.subtree_control");
        enabled.retain(|resource| wanted.contains(resource));
        if best.as_ref().is_some_and(|best| best.enabled.len() >= enabled.len()) {
            continue;
        }
        match prove(&dir, probe) {
            Ok(made) => {
                let (kill, freeze) = (made.open("cgroup.kill").is_ok(), made.open("cgroup.freeze").is_ok());
                let all = enabled.len() == wanted.len();
                best = Some(Parent { dir, enabled, kill, freeze });
                if all {
                    return (best, None);
                }
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    let missing = wanted.iter().filter(|resource| best.as_ref().is_some_and(|best| !best.enabled.contains(resource)));
    let missing: Vec<_> = missing.map(|resource| resource.controller()).collect();
    let refused = refused.map(|error| error.to_string());
    if missing.is_empty() {
        return (best, refused);
    }
    let why = format!(
        "neither {} nor a group above it passes on {} to groups within, as one with `Delegate=yes` of systemd does{}{}",
        place.own.display(),
        missing.join(", "),
        if refused.is_some() { ": " } else { "" },
        refused.unwrap_or_default(),
    );
    (best, Some(why))
}

/// Makes a group that a process can join. Below one with processes that passes on `cpu` or `pids` groups are for threads only.
fn prove(dir: &Dir, probe: &str) -> Result<Made, JailError> {
    let made = Made::probe(dir, probe)?;
    match made.read("cgroup.type") {
        Ok(kind) if kind.trim_end() != "domain" => {
            Err(dir.failed("make control groups for processes in", &io::Error::other("groups in it are for threads")))
        }
        _ => Ok(made),
    }
}

/// Passes on each of `wanted` that can be: one by one, since the kernel takes all or nothing. The first that cannot is an error.
fn enable(dir: &Dir, wanted: &[Resource]) -> Result<(), JailError> {
    let (has, enabled) = (resources(dir, "cgroup.controllers"), resources(dir, "cgroup.subtree_control"));
    let more = wanted.iter().filter(|resource| has.contains(resource) && !enabled.contains(resource));
    let more: Vec<_> = more.map(|resource| format!("+{}", resource.controller())).collect();
    // The kernel itself would refuse `memory`, but take `cpu` and make of the group one for threads. Only the root has no type.
    if !more.is_empty() && dir.has("cgroup.type") && dir.read("cgroup.procs").is_ok_and(|processes| !processes.is_empty()) {
        let error = io::Error::other("processes are in the group itself");
        return Err(dir.failed_to_write("cgroup.subtree_control", &more.join(" "), &error));
    }
    more.iter().map(|word| dir.write("cgroup.subtree_control", word)).fold(Ok(()), Result::and)
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
