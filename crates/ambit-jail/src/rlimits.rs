//! Resource limits of a jailed process.

use std::io;

use ambit_core::Layer;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{error::JailError, spec::Rlimits};

/// The native stack of threads that run no guest: those have stacks of their own.
const STACK: u64 = 8 << 20;

/// Applies what is asked for, and what every jail has: no core dump, no locked memory, no message queues, no priorities.
pub(crate) fn apply(limits: &Rlimits) -> Result<(), JailError> {
    let Rlimits { data, address_space, file_size, open_files } = *limits;
    let asked = [
        (Resource::Data, data),
        (Resource::As, address_space),
        (Resource::Fsize, file_size),
        (Resource::Nofile, open_files),
        (Resource::Core, Some(0)),
        (Resource::Memlock, Some(0)),
        (Resource::Msgqueue, Some(0)),
        (Resource::Nice, Some(0)),
        (Resource::Rtprio, Some(0)),
        (Resource::Stack, Some(STACK)),
    ];
    for (resource, value) in asked.into_iter().filter_map(|(resource, value)| Some((resource, value?))) {
        set(resource, value)?;
    }
    Ok(())
}

/// No process and no thread more than there are.
pub(crate) fn no_more_processes() -> Result<(), JailError> {
    set(Resource::Nproc, 0)
}

/// Sets both the soft and the hard limit, or what there is of it already.
fn set(resource: Resource, value: u64) -> Result<(), JailError> {
    // Above the hard limit that was inherited nobody without rights can go, and below it is what was asked for.
    let value = getrlimit(resource).maximum.map_or(value, |hard| value.min(hard));
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
        .map_err(|error| JailError::new(Layer::Rlimits, format!("limit {resource:?} to {value}"), &io::Error::from(error)))
}
