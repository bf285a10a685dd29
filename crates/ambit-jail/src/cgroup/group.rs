//! One group: a worker's walls around what it uses.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use ambit_core::Layer;

use super::{
    delegation::Parent,
    dir::Dir,
    kill::kill,
    limits::{GroupLimits, Resource},
    removal::remove,
    usage::GroupUsage,
    v1::V1,
    v2::V2,
};
use crate::JailError;

/// What differs between the versions of control groups.
pub(super) trait Version {
    /// The directories that make up the group.
    fn dirs(&self) -> impl Iterator<Item = &Dir>;

    /// Whether it can bound this.
    fn bounds(&self, resource: Resource) -> bool;

    /// Writes every bound that is this version's to write, also that there is none.
    fn set(&self, limits: &GroupLimits) -> Result<(), JailError>;

    fn usage(&self) -> GroupUsage;
}

/// A control group, of one version or of both at once: on a hybrid host v1 bounds, v2 kills and freezes.
///
/// Who is to be in it must join *all* of it: [`Group::into_fd`] and every one of [`Group::join_fds`].
/// On drop, whatever is still in it is killed and the group is removed; that may take two seconds, in which nothing else
/// happens in the thread. A group that then still cannot be removed stays behind for a later sweep.
#[derive(Debug)]
pub struct Group {
    name: String,
    v2: Option<V2>,
    v1: V1,
}

impl Group {
    /// Makes it below these parents. Nothing of it is left if that fails.
    pub(super) fn make(name: String, v2: Option<&Parent>, v1: &[(Resource, Dir)], limits: &GroupLimits) -> Result<Self, JailError> {
        let v2 = v2.map(|parent| V2::make(parent, &name)).transpose()?;
        // From here on, dropping it removes what there is of it.
        let mut group = Self { name, v2, v1: V1::default() };
        group.v1 = V1::make(v1, &group.name)?;
        group.set(limits)?;
        Ok(group)
    }

    /// Its name in every hierarchy, below this process's own group.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory of v2, for a child that is made in it with `CLONE_INTO_CGROUP`. `None` on a host with v1 alone.
    pub fn into_fd(&self) -> Option<BorrowedFd<'_>> {
        self.v2.as_ref().map(|v2| v2.fd.as_fd())
    }

    /// The `cgroup.procs` of every v1 group, open for writing: a child that writes `0` is in it. Each takes half a millisecond.
    /// None where v2 bounds everything.
    pub fn join_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.v1.procs.iter().map(AsFd::as_fd)
    }

    /// Bounds what `limits` bound, and nothing else, from now on. If the group already uses more memory, v2 kills it, and v1
    /// answers with an error.
    ///
    /// # Errors
    /// A bound that no part of the group can keep, because it was not among those the group was made with; or that the kernel
    /// does not take. The bounds before it may have been changed.
    pub fn set(&self, limits: &GroupLimits) -> Result<(), JailError> {
        for resource in Resource::ALL.into_iter().filter(|resource| limits.bound(*resource)) {
            let v2 = self.v2.as_ref().is_some_and(|v2| v2.bounds(resource));
            if !v2 && !self.v1.bounds(resource) {
                let step = format!("bound {} by the control group {}", resource.controller(), self.name);
                return Err(JailError::new(Layer::Cgroup, step, &io::Error::other("it was made without that controller")));
            }
        }
        self.v2.as_ref().map_or(Ok(()), |v2| v2.set(limits))?;
        self.v1.set(limits)
    }

    /// Sends `SIGKILL` to everything in the group, also to what is frozen or is being forked meanwhile. Does not wait for the
    /// end of it.
    ///
    /// # Errors
    /// Somebody in it may have been left out: only where the kernel has no `cgroup.kill`.
    pub fn kill(&self) -> Result<(), JailError> {
        self.dirs().try_for_each(|dir| kill(dir).map_err(|error| dir.failed("kill the control group", &error)))
    }

    /// Stops everything in the group where it is, or lets it go on; it is so when this returns.
    ///
    /// # Errors
    /// There is no v2 here, or something in the group did not stop within half a second.
    pub fn freeze(&self, frozen: bool) -> Result<(), JailError> {
        match &self.v2 {
            Some(v2) => v2.freeze(frozen),
            None => {
                let step = format!("freeze the control group {}", self.name);
                Err(JailError::new(Layer::Cgroup, step, &io::Error::other("this host has no v2")))
            }
        }
    }

    /// What everything that is or was in the group has used.
    pub fn usage(&self) -> GroupUsage {
        self.v2.as_ref().map(V2::usage).unwrap_or_default().or(self.v1.usage())
    }

    /// Removes the group, as dropping it does, and says whether that went well.
    ///
    /// # Errors
    /// Part of it is still there after two seconds: somebody in it has not ended, or has made groups within.
    pub fn remove(mut self) -> Result<(), JailError> {
        // Taken out, so that dropping does not meet a group that somebody has since made by the same name.
        let (v2, v1) = (self.v2.take(), std::mem::take(&mut self.v1));
        remove(dirs(v2.as_ref(), &v1)).map_err(|(dir, error)| dir.failed("remove the control group", &error))
    }

    pub(super) fn dirs(&self) -> impl Iterator<Item = &Dir> {
        dirs(self.v2.as_ref(), &self.v1)
    }
}

/// That of v2 first, since killing there is at once.
fn dirs<'a>(v2: Option<&'a V2>, v1: &'a V1) -> impl Iterator<Item = &'a Dir> {
    v2.into_iter().flat_map(V2::dirs).chain(v1.dirs())
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = remove(self.dirs());
    }
}
