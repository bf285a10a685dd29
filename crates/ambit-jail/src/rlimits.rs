//! Resource limits of a jailed process.

use std::io;

use ambit_core::Layer;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::{error::JailError, spec::Rlimits};

/// The native stack of threads that run no guest: those have stacks of their own.
const STACK: u64 = 8 << 20;

/// Applies what is asked for, and what every jail has: no core dump, no locked memory, no message queues, no priorities.
pub(crate) fn apply(limits: &Rlimits) -> Result<(), JailError> {
    for (resource, value) in asked(limits) {
        set(resource, value)?;
    }
    let always = [
        (Resource::Core, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Nice, 0),
        (Resource::Rtprio, 0),
        (Resource::Stack, STACK),
    ];
    for (resource, value) in always {
        set(resource, value)?;
    }
    Ok(())
}

/// Applies what is asked for to another process, one of ours.
pub(crate) fn apply_to(pid: Pid, limits: &Rlimits) -> Result<(), JailError> {
    for (resource, value) in asked(limits) {
        prlimit(Some(pid), resource, Rlimit { current: Some(value), maximum: Some(value) })
            .map_err(|error| JailError::new(Layer::Rlimits, format!("limit {resource:?} to {value}"), &error.into()))?;
    }
    Ok(())
}

fn asked(limits: &Rlimits) -> impl Iterator<Item = (Resource, u64)> {
    let Rlimits { data, address_space, file_size, open_files } = *limits;
    let asked =
        [(Resource::Data, data), (Resource::As, address_space), (Resource::Fsize, file_size), (Resource::Nofile, open_files)];
    asked.into_iter().filter_map(|(resource, value)| Some((resource, value?)))
}

/// No process and no thread more than there are.
pub(crate) fn no_more_processes() -> Result<(), JailError> {
    set(Resource::Nproc, 0)
}

/// Sets both the soft and the hard limit, or what there is of it already.
fn set(resource: Resource, value: u64) -> Result<(), JailError> {
    let try_to = || {
        // Above the hard limit that was inherited nobody without rights can go, and below it is what was asked for.
        let value = getrlimit(resource).maximum.map_or(value, |hard| value.min(hard));
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
    };
    // Our parent may have made it tighter between the two.
    try_to()
        .or_else(|_| try_to())
        .map_err(|error| JailError::new(Layer::Rlimits, format!("limit {resource:?} to {value}"), &io::Error::from(error)))
}
