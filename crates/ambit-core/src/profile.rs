//! Built-in policies.

use crate::{
    bound::Bound,
    feature::{Feature, FeatureSet},
    grants::{Clock, GrantKey, Grants},
    ids::names,
    imports::ImportPolicy,
    limits::{LimitKey, Limits},
    policy::{OnMemoryRefusal, Policy},
    size::ByteSize,
    span::Span,
};

names! {
    /// A named policy to start from; a request may only move within its ceilings.
    Profile, "profile";
    /// For libraries, jobs and functions: every limit at its documented default, at most an hour.
    Default = "default",
    /// For a person at a terminal: real programs run without flags.
    Terminal = "terminal",
    /// `env.log` only; a refused growth ends the run; nothing can be granted, no limit loosened.
    Restricted = "restricted",
    /// The least that runs anything: no imports but `env.log`, 4 MiB, 1 s.
    Minimal = "minimal",
    /// For developing guests: everything that can be granted, loose limits, an hour.
    Development = "development",
}

impl Profile {
    /// The policy.
    pub fn policy(self) -> Policy {
        let mut limits = Limits::default();
        let mut ceilings = Limits::unlimited();
        ceilings.run.wall_time = Bound::At(Span::secs(3600));
        let open = |limits, ceilings| Policy {
            limits,
            grants: Grants::default(),
            features: FeatureSet::DEFAULT,
            imports: ImportPolicy::standard(),
            on_memory_refusal: OnMemoryRefusal::Continue,
            deterministic: false,
            ceilings,
            grantable: GrantKey::ALL.to_vec(),
            allowable: Feature::ALL.iter().copied().filter(|&feature| feature != Feature::Threads).collect(),
            named: Vec::<LimitKey>::new(),
        };
        match self {
            Profile::Default => open(limits, ceilings),
            Profile::Terminal => {
                limits.run.memory = Bound::At(ByteSize::mib(512));
                limits.run.wall_time = Bound::Unlimited;
                limits.run.output = Bound::Unlimited;
                limits.run.compile_time = Bound::At(Span::secs(60));
                limits.run.compile_memory = Bound::At(ByteSize::gib(2));
                let mut policy = open(limits, Limits::unlimited());
                policy.features = policy.features.with(Feature::Exceptions);
                policy.grants.clock = Clock::Real;
                policy
            }
            Profile::Restricted => Policy {
                imports: ImportPolicy::log_only(),
                on_memory_refusal: OnMemoryRefusal::End,
                grantable: Vec::new(),
                allowable: FeatureSet::EMPTY,
                ..open(limits.clone(), limits)
            },
            Profile::Minimal => {
                limits.run.memory = Bound::At(ByteSize::mib(4));
                limits.run.wall_time = Bound::At(Span::secs(1));
                limits.run.stack = Bound::At(ByteSize::kib(256));
                Policy {
                    imports: ImportPolicy::log_only(),
                    grantable: Vec::new(),
                    allowable: FeatureSet::EMPTY,
                    ..open(limits.clone(), limits)
                }
            }
            Profile::Development => {
                limits.run.memory = Bound::At(ByteSize::gib(2));
                limits.run.wall_time = Bound::At(Span::secs(3600));
                limits.run.output = Bound::Unlimited;
                limits.run.stack = Bound::At(ByteSize::mib(2));
                let mut policy = open(limits, Limits::unlimited());
                policy.grants.clock = Clock::Real;
                policy.features = policy.allowable;
                policy
            }
        }
    }
}
