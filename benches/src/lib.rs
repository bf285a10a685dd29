//! What is measured, and its partner: the same guest through Ambit's runtime and through Wasmtime itself, with the same
//! compiler settings, pool, epochs and a limiter on both sides.

mod guests;
mod jailed;
mod ours;
mod raw;
mod scheduling;
mod store;

pub use guests::{functions, guest, large_module};
pub use jailed::{
    Doing, entry_from_scratch, idle_memory, inside_rate, kill_overshoot, teardown, tenant_overshoot, unyielding, warm_run,
    wire_rate,
};
pub use ours::Ours;
pub use raw::{Raw, RawComponent, RawPreview1, RawTyped};
pub use scheduling::{Busy, Capped, Shares, capped, churn, neighbour, overshoot, overshoot_of_tokio, parked, rate, shares};

use ambit_core::{Isolation, LimitsSpec, Policy, PolicySpec, Profile};

/// The call of the plug-in of `guests/wit/greet` that is measured.
pub const GREET: &str = r#"greet({name: "Ada", titles: ["Dr."], language: some(german)}, 1)"#;

/// How many guests a pool holds on either side.
pub const POOL: u32 = 256;

/// The profile `default` with these limits.
///
/// # Panics
/// A limit has no such name or value.
pub fn policy(limits: &[(&str, &str)]) -> Policy {
    let mut spec = LimitsSpec::default();
    for (key, value) in limits {
        spec.set(key, value).expect("a limit");
    }
    let policy = Profile::Default.policy().narrow(&PolicySpec { limits: spec, ..PolicySpec::default() });
    policy.expect("within the ceilings").resolve(Isolation::None).expect("enforceable")
}
pub use store::{store_add, store_list, store_lookup, store_open};
