//! Giving up capabilities.

use ambit_core::Layer;
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_capabilities_secure_bits,
};

use crate::error::JailError;

/// Gives up every capability, and every way to one: the bounding set first, since emptying it takes a capability.
pub(crate) fn drop_all() -> Result<(), JailError> {
    let failed = |step: &'static str| move |error: rustix::io::Errno| JailError::new(Layer::NoCapabilities, step, &error.into());
    let has = |capability: CapabilitySet| rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(capability));
    // Without it nobody can empty the bounding set; without new privileges it is worth nothing.
    if has(CapabilitySet::SETPCAP) {
        for bit in 0..64 {
            match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
                Ok(()) => {}
                // The first number that this kernel has no capability for.
                Err(rustix::io::Errno::INVAL) => break,
                Err(error) => return Err(failed("empty the bounding set")(error)),
            }
        }
        let locked = CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
        set_capabilities_secure_bits(locked).map_err(failed("lock the secure bits"))?;
    }
    clear_ambient_capability_set().map_err(failed("clear ambient capabilities"))?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(failed("drop capabilities"))
}
