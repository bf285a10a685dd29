//! Says what a policy allows.

use std::{sync::Arc, time::Duration};

use ambit_core::{
    Bound, ByteSize, Clock, Count, Cpus, Grants, OnMemoryRefusal, PolicySpec, Profile, Random, RejectReason, Rejection,
};

use super::{Policy, added::Added};
use crate::error::Error;

/// Says what a policy allows: limits and grants by method or by name, from a profile on. What is wrong is said by
/// [`PolicyBuilder::build`], the first thing first; nothing is accepted and ignored.
///
/// `ambit limits` lists every limit with its default and range.
#[derive(Debug, Clone)]
#[must_use = "it says what a policy allows; `build` makes it"]
pub struct PolicyBuilder {
    base: Base,
    spec: PolicySpec,
    /// Takes the place of the base's grants.
    grants: Option<Grants>,
    added: Added,
    /// The first thing that was wrong.
    wrong: Option<Rejection>,
}

#[derive(Debug, Clone)]
enum Base {
    Profile(String),
    Policy(Arc<ambit_core::Policy>),
}

impl Default for PolicyBuilder {
    fn default() -> Self {
        Self::new(Profile::Default.name())
    }
}

impl PolicyBuilder {
    /// From the profile of this name: `default`, `minimal` (no imports but `env.log`, 4 MiB, 1 s), `restricted`, `terminal`
    /// or `development` (everything that can be granted, 2 GiB, an hour).
    pub fn new(profile: &str) -> Self {
        Self::from_base(Base::Profile(profile.into()))
    }

    pub(super) fn from_policy(policy: Arc<ambit_core::Policy>) -> Self {
        Self::from_base(Base::Policy(policy))
    }

    fn from_base(base: Base) -> Self {
        Self { base, spec: PolicySpec::default(), grants: None, added: Added::default(), wrong: None }
    }

    /// Starts from this profile instead, with all else that was said.
    pub fn profile(mut self, name: &str) -> Self {
        if let Base::Policy(_) = self.base {
            // Another profile's ceilings would be wider, and what the policy says itself would be lost.
            return self.refuse(policy("a policy that is adjusted keeps the profile it came from".into()));
        }
        self.base = Base::Profile(name.into());
        self
    }

    /// All memories, tables and the GC heap of a guest together.
    pub fn memory(mut self, size: ByteSize) -> Self {
        self.spec.limits.run.memory = Some(Bound::At(size));
        self
    }

    /// From the beginning of a call or run to its end, waiting included.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.spec.limits.run.wall_time = Some(Bound::At(time.into()));
        self
    }

    /// CPU time of a call or run, host functions included.
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.spec.limits.run.cpu_time = Some(Bound::At(time.into()));
        self
    }

    /// Instructions of a call or run, roughly; the same number for the same inputs. Metering it slows guests down.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.spec.limits.run.fuel = Some(Bound::At(Count(fuel)));
        self
    }

    /// Share of a core, over periods of 100 ms: 0.01 to 1, to a thousandth.
    pub fn cpus(mut self, cpus: f64) -> Self {
        let milli = (cpus * 1000.0).round();
        // Compared so that NaN fails too.
        if (0.0..=1e9).contains(&milli) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
            let milli = milli as u64;
            self.spec.limits.run.cpus = Some(Bound::At(Cpus::from_milli(milli)));
            self
        } else {
            self.refuse(policy(format!("limit `cpus` is {cpus}; it must lie between 0.01 and 1")))
        }
    }

    /// The wasm stack; rounded up to 256 KiB, 512 KiB, 1, 2 or 8 MiB.
    pub fn stack(mut self, size: ByteSize) -> Self {
        self.spec.limits.run.stack = Some(Bound::At(size));
        self
    }

    /// Bytes written to stdout and stderr together.
    pub fn output(mut self, size: ByteSize) -> Self {
        self.spec.limits.run.output = Some(Bound::At(size));
        self
    }

    /// Any limit by its name, such as `("table-elements", "10k")`; `unlimited` lifts it.
    pub fn limit(mut self, name: &str, value: &str) -> Self {
        match self.spec.limits.set(name, value) {
            Ok(()) => self,
            Err(error) => self.refuse(policy(error.to_string())),
        }
    }

    /// Any grant by its name, in addition to those there are: `args`, `env` (`NAME=VALUE`), `stdin` (`none`, `inherit` or a
    /// file), `dirs` (`HOST:GUEST[:rw]`), `tmp` (a size), `clock` (`real`, `coarse`, `fixed`), `random` (`os` or a seed),
    /// `functions` (the grant of a host function). Others exist and are refused in this version.
    pub fn grant(mut self, name: &str, value: &str) -> Self {
        match self.added.add(name, value) {
            Ok(()) => self,
            Err(rejection) => self.refuse(rejection),
        }
    }

    /// Arguments after the program's name, in addition to those there are.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.added.grants.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        match self.added.env(name, value) {
            Ok(()) => self,
            Err(rejection) => self.refuse(rejection),
        }
    }

    /// A feature of WebAssembly's besides the usual ones, by its name.
    pub fn feature(mut self, name: &str) -> Self {
        match name.parse() {
            Ok(feature) => {
                self.spec.features.push(feature);
                self
            }
            Err(error) => self.refuse(policy(format!("{error}"))),
        }
    }

    /// Same inputs, same bits: a fixed clock, random numbers from this seed, canonical NaN. Grants of a clock or of random
    /// numbers that come later count.
    pub fn deterministic(mut self, seed: u64) -> Self {
        self.spec.deterministic = true;
        (self.added.clock, self.added.random) = (Some(Clock::Fixed), Some(Random::Seeded(seed)));
        self
    }

    /// A growth of memory that is refused ends the guest at once. Otherwise it is told -1, and goes on.
    pub fn end_on_memory_refusal(mut self) -> Self {
        self.spec.on_memory_refusal = Some(OnMemoryRefusal::End);
        self
    }

    /// Everything that `spec` asks for, such as one that was read from a file: its limits besides those that were said, its
    /// grants in place of those there are.
    pub fn narrow(mut self, spec: PolicySpec) -> Self {
        let PolicySpec { limits, grants, features, on_memory_refusal, deterministic } = spec;
        self.spec.limits = self.spec.limits.overlaid(&limits);
        self.grants = grants.or(self.grants);
        self.spec.features.extend(features);
        self.spec.on_memory_refusal = on_memory_refusal.or(self.spec.on_memory_refusal);
        self.spec.deterministic |= deterministic;
        self
    }

    /// Makes the policy.
    ///
    /// # Errors
    /// Something that was said is no limit, grant or value of one; goes beyond the profile's ceilings; or cannot be enforced
    /// here.
    pub fn build(self) -> Result<Policy, Error> {
        Ok(self.settle()?)
    }

    fn settle(self) -> Result<Policy, Rejection> {
        let Self { base, mut spec, grants, added, wrong } = self;
        if let Some(rejection) = wrong {
            return Err(rejection);
        }
        let base = match base {
            Base::Policy(base) => base,
            Base::Profile(name) => {
                let profile: Profile = name.parse().map_err(|error| policy(format!("{error}")))?;
                Arc::new(profile.policy())
            }
        };
        spec.grants = added.to(grants.as_ref().unwrap_or(&base.grants)).or(grants);
        Policy::new(&base, &spec)
    }

    fn refuse(mut self, rejection: Rejection) -> Self {
        self.wrong.get_or_insert(rejection);
        self
    }
}

fn policy(message: String) -> Rejection {
    Rejection::new(RejectReason::Policy, message)
}
