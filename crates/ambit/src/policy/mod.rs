//! What guests may use and reach.

mod added;
mod builder;

use std::{fmt, ops::Deref, sync::Arc};

use ambit_core::{Isolation, PolicySpec, Rejection};

pub use builder::PolicyBuilder;

/// What a guest may use and reach, all of it enforced: there is none with a limit or grant that nothing here can keep.
///
/// Made by a [`PolicyBuilder`], from a profile or from another policy ([`Policy::adjust`]). Reads like
/// [`PolicyInForce`](crate::PolicyInForce). Cheap to clone.
///
/// ```
/// use ambit::{LimitKey, PolicyBuilder, Units};
///
/// let policy = PolicyBuilder::new("default").memory(16.mib()).limit("output", "4KiB").build()?;
/// assert_eq!(policy.limits.get(LimitKey::Memory).finite(), Some(16 << 20));
/// let smaller = policy.adjust().memory(1.mib()).build()?;
/// assert_eq!(smaller.limits.get(LimitKey::Output).finite(), Some(4096), "as before");
///
/// let error = PolicyBuilder::new("default").limit("memry", "1MiB").build().expect_err("no such limit");
/// assert_eq!(error.to_string(), "policy: there is no limit `memry`; did you mean `memory`?");
/// # Ok::<(), ambit::Error>(())
/// ```
#[derive(Clone)]
pub struct Policy {
    /// As it was asked for: what a further request moves on from.
    asked: Arc<ambit_core::Policy>,
    in_force: Arc<ambit_core::Policy>,
}

impl Policy {
    /// What `base` becomes with what `spec` asks for.
    fn new(base: &ambit_core::Policy, spec: &PolicySpec) -> Result<Self, Rejection> {
        let asked = base.narrow(spec)?;
        let in_force = asked.clone().resolve(Isolation::None)?;
        Ok(Self { asked: Arc::new(asked), in_force: Arc::new(in_force) })
    }

    /// A policy that differs from this one in what is said next: within the ceilings of the profile it came from.
    pub fn adjust(&self) -> PolicyBuilder {
        PolicyBuilder::from_policy(Arc::clone(&self.asked))
    }

    pub(crate) fn in_force(&self) -> &Arc<ambit_core::Policy> {
        &self.in_force
    }
}

impl Deref for Policy {
    type Target = ambit_core::Policy;

    fn deref(&self) -> &ambit_core::Policy {
        &self.in_force
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_force.fmt(f)
    }
}
