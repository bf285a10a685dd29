//! The flags that make a policy, and what they mean together with a configuration file.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

use ambit_core::{
    ByteSize, Clock, DirGrant, EngineId, Feature, Grants, Isolation, LimitsSpec, NetGrant, OnMemoryRefusal, Policy, PolicySpec,
    Preferences, Profile, Random, Stdin,
};
use clap::{Args, ValueHint};

use super::config::ConfigFile;

/// A wrong command line or configuration: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// `KEY=VALUE`.
#[derive(Debug, Clone)]
pub(crate) struct KeyValue(pub(crate) String, pub(crate) String);

impl FromStr for KeyValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self(key.into(), value.into())),
            _ => Err("expected KEY=VALUE".into()),
        }
    }
}

/// Flags for limits and grants.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// Start from this profile: terminal, default, restricted, minimal or development
    #[arg(long, env = "AMBIT_PROFILE", value_name = "NAME", help_heading = "Policy")]
    profile: Option<Profile>,
    /// Read limits and grants from a TOML or YAML file
    #[arg(long, env = "AMBIT_CONFIG", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Policy")]
    config: Option<PathBuf>,
    /// Allow a WebAssembly feature, such as gc, memory64, exceptions
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    feature: Vec<Feature>,
    /// What a refused memory growth does: continue (the guest is told) or end
    #[arg(long, value_name = "WHAT", help_heading = "Policy")]
    on_memory_refusal: Option<OnMemoryRefusal>,
    /// Which walls stand around the guest: none, tenant or process
    #[arg(long, env = "AMBIT_ISOLATION", value_name = "LEVEL", help_heading = "Policy")]
    isolation: Option<Isolation>,
    /// Which engine runs the module
    #[arg(long, env = "AMBIT_ENGINE", value_name = "NAME", help_heading = "Policy")]
    engine: Option<EngineId>,
    /// What is liked of the engine, by weight, of those that can run it: speed, of code; start, of a module that is new. Default speed
    #[arg(long, value_name = "WHAT[=WEIGHT],…", conflicts_with = "engine", help_heading = "Policy")]
    prefer: Option<Preferences>,

    /// Memory: linear memories, tables and GC heap together, such as 64MiB
    #[arg(long, env = "AMBIT_MEMORY", value_name = "SIZE", help_heading = "Limits")]
    memory: Option<String>,
    /// Deterministic instruction budget, such as 10M
    #[arg(long, env = "AMBIT_FUEL", value_name = "N", help_heading = "Limits")]
    fuel: Option<String>,
    /// Time from start to end, such as 500ms or 2s
    #[arg(long, env = "AMBIT_TIMEOUT", value_name = "TIME", help_heading = "Limits")]
    timeout: Option<String>,
    /// CPU time, such as 10s
    #[arg(long, env = "AMBIT_CPU_TIME", value_name = "TIME", help_heading = "Limits")]
    cpu_time: Option<String>,
    /// Stack, up to 8MiB
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    stack: Option<String>,
    /// Bytes written to stdout and stderr together
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    output: Option<String>,
    /// Set any limit; `ambit limits` lists them
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Limits")]
    limit: Vec<KeyValue>,
    /// Lift a limit
    #[arg(long, value_name = "KEY", help_heading = "Limits")]
    unlimited: Vec<String>,

    /// Give a directory: read-only unless :rw is added
    #[arg(long, value_name = "HOST:GUEST[:rw]", help_heading = "Grants")]
    dir: Vec<DirGrant>,
    /// Give a private, empty, writable /tmp into which at most this much may be written
    #[arg(long, value_name = "SIZE", help_heading = "Grants")]
    tmp: Option<ByteSize>,
    /// Set an environment variable, or copy one of ours
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Grants")]
    env: Vec<OsString>,
    /// Standard input: none, inherit, or a file; by default ours if it is not a terminal
    #[arg(long, value_name = "none|inherit|FILE", help_heading = "Grants")]
    stdin: Option<String>,
    /// The clock: real, coarse (milliseconds) or fixed
    #[arg(long, value_name = "CLOCK", help_heading = "Grants")]
    clock: Option<Clock>,
    /// Random numbers: os, or a seed
    #[arg(long, value_name = "os|SEED", help_heading = "Grants")]
    random: Option<Random>,
    /// Same inputs, same bits: fixed clock, seeded random numbers, canonical NaN
    #[arg(long, help_heading = "Grants")]
    deterministic: bool,
    /// Outgoing connections; not in this version
    #[arg(long, value_name = "HOST:PORT", help_heading = "Grants")]
    net: Vec<String>,
    /// Addresses to listen on; not in this version
    #[arg(long, value_name = "ADDRESS", help_heading = "Grants")]
    listen: Vec<String>,
    /// Outgoing HTTP requests; not in this version
    #[arg(long, value_name = "RULE", help_heading = "Grants")]
    http: Vec<String>,
    /// Key-value buckets; not in this version
    #[arg(long, value_name = "NAME", help_heading = "Grants")]
    kv: Vec<String>,
    /// Secrets; not in this version
    #[arg(long, value_name = "NAME", help_heading = "Grants")]
    secret: Vec<String>,
}

/// What our own standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OurStdin {
    /// A person sits there: not given unasked, since a guest that waits for input would seem to hang.
    Terminal,
    /// The module is read from it.
    Module,
    /// A pipe or file: given unless something else is said.
    Data,
}

/// What the flags and the file mean together.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) policy: Policy,
    pub(crate) spec: PolicySpec,
    /// Nobody said what the guest's standard input is, and a terminal of ours is not given unasked.
    pub(crate) terminal_withheld: bool,
    /// The level asked for; `None` if nobody asked.
    pub(crate) isolation: Option<Isolation>,
    /// The engine asked for; `None` if nobody asked.
    pub(crate) engine: Option<EngineId>,
    /// What is liked of one that is chosen.
    pub(crate) prefer: Preferences,
    /// The file says that a key that is trusted must have signed the module.
    pub(crate) signature_required: bool,
}

impl PolicyArgs {
    /// The same, for a run that must be like another.
    pub(crate) fn deterministically(self) -> Self {
        Self { deterministic: true, ..self }
    }

    /// Profile, then file, then flags: what comes later wins.
    pub(crate) fn settle(self, args: &[String], ours: OurStdin) -> Result<Settled, UsageError> {
        let file = self.config.as_deref().map(ConfigFile::read).transpose()?.unwrap_or_default();
        let profile = self.profile.or(file.profile()?).unwrap_or(Profile::Terminal);
        let mut policy = profile.policy();
        file.adjust(&mut policy)?;
        let limits = file.limits()?.overlaid(&self.limits()?);
        let deterministic = self.deterministic || file.deterministic.unwrap_or(false);
        let mut grants = policy.grants.clone();
        if deterministic {
            (grants.clock, grants.random) = (Clock::Fixed, Random::Seeded(0));
        }
        file.grant(&mut grants)?;
        let features = file.features()?.into_iter().chain(self.feature.iter().copied()).collect();
        let on_memory_refusal = self.on_memory_refusal.or(file.on_memory_refusal()?);
        let isolation = self.isolation.or(file.isolation()?);
        let engine = self.engine.or(file.engine()?.filter(|_| self.prefer.is_none()));
        let prefer = self.prefer.unwrap_or_default();
        let stdin_given = self.stdin.is_some() || file.gives_stdin();
        self.grant(&mut grants, args)?;
        let mut terminal_withheld = false;
        if !stdin_given && policy.grantable.contains(&ambit_core::GrantKey::Stdin) {
            match ours {
                OurStdin::Data => grants.stdin = Stdin::Inherit,
                OurStdin::Terminal => terminal_withheld = true,
                OurStdin::Module => {}
            }
        }
        let spec = PolicySpec { limits, grants: Some(grants), features, on_memory_refusal, deterministic };
        let signature_required = file.check_signatures.unwrap_or(false);
        Ok(Settled { policy, spec, terminal_withheld, isolation, engine, prefer, signature_required })
    }

    fn limits(&self) -> Result<LimitsSpec, UsageError> {
        let mut limits = LimitsSpec::default();
        let named = [
            ("memory", &self.memory, "--memory"),
            ("fuel", &self.fuel, "--fuel"),
            ("wall-time", &self.timeout, "--timeout"),
            ("cpu-time", &self.cpu_time, "--cpu-time"),
            ("stack", &self.stack, "--stack"),
            ("output", &self.output, "--output"),
        ];
        for (key, value, flag) in named {
            if let Some(value) = value {
                limits.set(key, value).map_err(|error| UsageError(format!("{flag}: {error}")))?;
            }
        }
        for KeyValue(key, value) in &self.limit {
            limits.set(key, value).map_err(|error| UsageError(format!("--limit: {error}")))?;
        }
        for key in &self.unlimited {
            limits.set(key, "unlimited").map_err(|error| UsageError(format!("--unlimited: {error}")))?;
        }
        Ok(limits)
    }

    /// Adds what the flags grant. Destructured in full, so that no flag is accepted and ignored.
    fn grant(self, grants: &mut Grants, program_args: &[String]) -> Result<(), UsageError> {
        let Self {
            profile: _,
            config: _,
            feature: _,
            on_memory_refusal: _,
            isolation: _,
            engine: _,
            prefer: _,
            memory: _,
            fuel: _,
            timeout: _,
            cpu_time: _,
            stack: _,
            output: _,
            limit: _,
            unlimited: _,
            deterministic: _,
            dir,
            tmp,
            env,
            stdin,
            clock,
            random,
            net,
            listen,
            http,
            kv,
            secret,
        } = self;
        grants.args.extend(program_args.iter().cloned());
        for variable in &env {
            let not_text = || {
                let text = variable.to_string_lossy();
                let name = text.split_once('=').map_or(&*text, |(name, _)| name);
                UsageError(format!("--env: {}", super::config::not_text(name)))
            };
            super::config::set_env(grants, variable.to_str().ok_or_else(not_text)?, "--env")?;
        }
        grants.dirs.extend(dir);
        if let Some(size) = tmp {
            grants.tmp = Some(super::config::tmp(size, "--tmp")?);
        }
        if let Some(stdin) = stdin {
            grants.stdin = super::config::stdin(&stdin);
        }
        grants.clock = clock.unwrap_or(grants.clock);
        grants.random = random.unwrap_or(grants.random);
        grants.net.extend(net.into_iter().map(NetGrant));
        grants.listen.extend(listen);
        grants.http.extend(http);
        grants.kv.extend(kv);
        grants.secrets.extend(secret);
        Ok(())
    }
}
