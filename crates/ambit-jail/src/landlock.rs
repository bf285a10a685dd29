//! Landlock: no file, address, signal or abstract socket beyond what was granted.
//!
//! It binds the calling thread, and threads that this one starts later: it is put in force before there are any others.
//! Descriptors that are open already are not affected.

use std::{io, os::fd::BorrowedFd};

use ambit_core::{Access, Layer};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, RestrictSelf, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};
use serde::{Deserialize, Serialize};

use crate::JailError;

/// The newest version of Landlock whose rights we have thought about. What a later kernel adds is asked for only after that.
const KNOWN: ABI = ABI::V10;

/// What Landlock denies in this process. Files are always among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandlockStatus {
    /// The version in force: the kernel's, or the newest that we know if that is older.
    pub abi: u32,
    /// Whether truncating is a right of its own; before version 3 whoever may write may truncate, and who may not may too.
    pub truncate: bool,
    /// Whether TCP can neither be bound nor connected; since version 4.
    pub tcp: bool,
    /// Whether devices take no commands; since version 5.
    pub devices: bool,
    /// Whether neither signals nor abstract sockets of other processes are reached; since version 6.
    pub scopes: bool,
    /// Whether sockets that have a path are not reached; since version 9.
    pub unix_paths: bool,
    /// Whether UDP can neither be bound nor sent to an address; since version 10.
    pub udp: bool,
}

impl LandlockStatus {
    /// The newest version that we know.
    pub const KNOWN: u32 = KNOWN as u32;

    pub(crate) fn of(abi: u32) -> Self {
        Self { abi, truncate: abi >= 3, tcp: abi >= 4, devices: abi >= 5, scopes: abi >= 6, unix_paths: abi >= 9, udp: abi >= 10 }
    }
}

/// Denies the calling thread, and those it starts from now on, every file but those beneath `dirs`, and all else that this
/// kernel's Landlock can deny. Sets `no_new_privs`, without which an unprivileged process may not.
///
/// # Errors
/// The kernel has no Landlock, or does not take a rule. Nothing of this is in force then, but `no_new_privs` may be.
pub fn restrict(dirs: &[(BorrowedFd<'_>, Access)]) -> Result<LandlockStatus, JailError> {
    let failed = |error: RulesetError| refused(&io::Error::other(error));
    match rules(dirs).and_then(|rules| rules.restrict_self()).map_err(failed)? {
        RestrictionStatus { ruleset: RulesetStatus::NotEnforced, .. } => Err(absent()),
        RestrictionStatus { landlock, .. } => version(landlock).map(LandlockStatus::of).ok_or_else(absent),
    }
}

/// The version of Landlock that this kernel has, as far as we know versions; `None` if it has none, or none enabled.
pub fn abi() -> Option<u32> {
    // Asked for nothing, this restricts nothing: it only says what there is.
    version(RestrictSelf::default().no_new_privs(false).apply().ok()?.landlock)
}

fn version(status: landlock::LandlockStatus) -> Option<u32> {
    match status {
        landlock::LandlockStatus::NotEnabled | landlock::LandlockStatus::NotImplemented => None,
        landlock::LandlockStatus::Available { effective_abi, .. } => Some(effective_abi as u32),
    }
}

/// The rules for `dirs`. The first version's rights must be there; newer ones are denied where the kernel knows them.
fn rules(dirs: &[(BorrowedFd<'_>, Access)]) -> Result<landlock::RulesetCreated, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?;
    dirs.iter().try_fold(rules, |rules, (dir, access)| rules.add_rule(PathBeneath::new(dir, beneath(*access))))
}

/// What may be done beneath a granted directory. Nothing there is executed, no device takes a command, and no device,
/// socket or FIFO is made.
fn beneath(access: Access) -> BitFlags<AccessFs> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    match access {
        Access::ReadOnly => read,
        Access::ReadWrite => {
            read | make_bitflags!(AccessFs::{
                WriteFile | Truncate | MakeReg | MakeDir | MakeSym | RemoveFile | RemoveDir | Refer
            })
        }
    }
}

fn refused(error: &io::Error) -> JailError {
    JailError::new(Layer::Landlock, "deny files and addresses with Landlock", error)
}

fn absent() -> JailError {
    refused(&io::ErrorKind::Unsupported.into())
}
