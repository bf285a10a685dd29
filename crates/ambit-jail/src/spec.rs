//! What a jail is to be, as its parent says it.

use std::{ffi::CStr, path::PathBuf};

use ambit_core::{Access, EngineId, Layer};
use serde::{Deserialize, Serialize};

use crate::seccomp::ExtraSyscalls;

/// What a jailed process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Runs exactly one guest, and ends.
    Process,
    /// Runs guests of one tenant, for as long as it is wanted.
    Tenant,
    /// Compiles one module, and ends.
    Compiler,
}

impl Purpose {
    /// The name by which a process knows what it is for: its `argv[0]`.
    pub const fn process_name(self) -> &'static CStr {
        match self {
            Purpose::Process => c"ambit-worker",
            Purpose::Tenant => c"ambit-tenant-worker",
            Purpose::Compiler => c"ambit-compiler",
        }
    }

    /// What this process is for, if it was spawned by that name. Looks at nothing but `argv[0]`.
    pub fn of_this_process() -> Option<Self> {
        let name = std::env::args_os().next()?;
        [Purpose::Process, Purpose::Tenant, Purpose::Compiler]
            .into_iter()
            .find(|purpose| purpose.process_name().to_bytes() == name.as_encoded_bytes())
    }
}

/// What a process enters. It is the first thing it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JailSpec {
    /// What it is for: decides which system calls it needs.
    pub purpose: Purpose,
    /// The engine that works in it: likewise.
    pub engine: EngineId,
    /// The layers that spawning it gave it.
    pub given: Vec<Layer>,
    /// Layers without which it may go on.
    pub dispensable: Vec<Layer>,
    /// Whether the first descriptor is a page of counters.
    pub page: bool,
    /// Directories, in the order of their descriptors.
    pub dirs: Vec<DirSpec>,
    /// Bytes of a private `/tmp`, if there is to be one.
    pub tmp: Option<u64>,
    /// Whether the root is to look like a small system's: `tmp`, `home`, `work`, `etc/passwd`, `etc/group`.
    pub classic_root: bool,
    /// Resource limits.
    pub rlimits: Rlimits,
    /// System calls beyond its list, or taken from it.
    pub syscalls: ExtraSyscalls,
}

/// A directory that is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirSpec {
    /// What may be done in it.
    pub access: Access,
    /// How it comes into the jail.
    pub source: DirSource,
}

/// How a directory comes into a jail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirSource {
    /// Its descriptor is a mount that is attached as it is.
    Mount,
    /// A bind mount is made of this path, which must be the directory of the descriptor.
    Path(PathBuf),
}

/// Resource limits of a process; `None` leaves one as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rlimits {
    /// Bytes of private writable memory.
    pub data: Option<u64>,
    /// Bytes of address space.
    pub address_space: Option<u64>,
    /// Bytes of the largest file.
    pub file_size: Option<u64>,
    /// Descriptors.
    pub open_files: Option<u64>,
}
