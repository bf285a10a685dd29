//! Configuration files: the names of the flags and limits, in TOML or YAML.

use std::{collections::BTreeMap, env::VarError, fmt, fs, path::Path};

use ambit_core::{
    ByteSize, EngineId, Feature, Grants, ImportRule, Isolation, LimitsSpec, NetGrant, OnMemoryRefusal, Policy, Profile, Stdin,
};
use serde::Deserialize;

use super::{UsageError, typed::Typed};

/// A configuration file. An unknown key is an error that names it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    profile: Option<String>,
    isolation: Option<String>,
    engine: Option<String>,
    #[serde(alias = "on-memory-refusal")]
    on_memory_refusal: Option<String>,
    pub(crate) deterministic: Option<bool>,
    #[serde(alias = "check-signatures")]
    pub(crate) check_signatures: Option<bool>,
    features: Vec<String>,
    limits: BTreeMap<String, Typed>,
    grants: GrantsSection,

    // The names of a compute grid's runtime configuration, for those who come from there.
    max_memory_pages: Option<u64>,
    max_table_elements: Option<u64>,
    max_instances: Option<u64>,
    max_tables: Option<u64>,
    fuel_limit: Option<u64>,
    epoch_deadline: Option<String>,
    enable_wasi: Option<bool>,
    enable_threads: Option<bool>,
    enable_simd: Option<bool>,
    cache_dir: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GrantsSection {
    args: Vec<String>,
    env: Vec<String>,
    stdin: Option<String>,
    dirs: Vec<String>,
    tmp: Option<String>,
    clock: Option<String>,
    random: Option<Typed>,
    net: Vec<String>,
    listen: Vec<String>,
    http: Vec<String>,
    kv: Vec<String>,
    config: BTreeMap<String, String>,
    secrets: Vec<String>,
    logging: bool,
    metrics: bool,
    functions: Vec<String>,
}

impl ConfigFile {
    /// Reads a file; its ending says whether it is TOML or YAML.
    pub(crate) fn read(path: &Path) -> Result<Self, UsageError> {
        let wrong = |error: &dyn fmt::Display| UsageError(format!("configuration `{}`: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("toml") => toml::from_str(&text).map_err(|error| wrong(&error)),
            Some("yaml" | "yml") => serde_saphyr::from_str(&text).map_err(|error| wrong(&error)),
            _ => Err(wrong(&"its name must end in .toml, .yaml or .yml")),
        }
    }

    pub(crate) fn profile(&self) -> Result<Option<Profile>, UsageError> {
        parse("profile", self.profile.as_deref())
    }

    pub(crate) fn isolation(&self) -> Result<Option<Isolation>, UsageError> {
        parse("isolation", self.isolation.as_deref())
    }

    pub(crate) fn engine(&self) -> Result<Option<EngineId>, UsageError> {
        parse("engine", self.engine.as_deref())
    }

    pub(crate) fn on_memory_refusal(&self) -> Result<Option<OnMemoryRefusal>, UsageError> {
        parse("on-memory-refusal", self.on_memory_refusal.as_deref())
    }

    pub(crate) fn features(&self) -> Result<Vec<Feature>, UsageError> {
        let threads = self.enable_threads.unwrap_or(false).then_some("threads");
        let names = self.features.iter().map(String::as_str).chain(threads);
        names.map(|name| name.parse().map_err(|error| wrong("features", &error))).collect()
    }

    /// Limits by their own names, and by those of the compute grid's.
    pub(crate) fn limits(&self) -> Result<LimitsSpec, UsageError> {
        let mut limits = LimitsSpec::default();
        let pages = self.max_memory_pages.map(|pages| (u128::from(pages) * 65_536).to_string());
        let grid = [
            ("max_memory_pages", "memory", pages),
            ("max_table_elements", "table-elements", self.max_table_elements.map(|n| n.to_string())),
            ("max_instances", "instances", self.max_instances.map(|n| n.to_string())),
            ("max_tables", "tables", self.max_tables.map(|n| n.to_string())),
            ("fuel_limit", "fuel", self.fuel_limit.map(|n| n.to_string())),
            ("epoch_deadline", "wall-time", self.epoch_deadline.clone()),
        ];
        for (name, key, value) in grid {
            if let Some(value) = value {
                limits.set(key, &value).map_err(|error| wrong(name, &error))?;
            }
        }
        for (key, value) in &self.limits {
            limits.set(key, &value.to_string()).map_err(|error| wrong("limits", &error))?;
        }
        Ok(limits)
    }

    /// What narrows the profile itself.
    pub(crate) fn adjust(&self, policy: &mut Policy) -> Result<(), UsageError> {
        if let Some(dir) = &self.cache_dir {
            return Err(wrong(
                "cache_dir",
                &format!("`{dir}`: where native code is kept is no part of a policy; --store or AMBIT_STORE say it"),
            ));
        }
        if self.enable_wasi == Some(false) {
            policy
                .imports
                .allow
                .retain(|rule| matches!(rule, ImportRule::Module(name) | ImportRule::Item(name, _) if name == "env"));
        }
        if self.enable_simd == Some(false) {
            policy.features = policy.features.without(Feature::Simd).without(Feature::RelaxedSimd);
        }
        Ok(())
    }

    pub(crate) fn gives_stdin(&self) -> bool {
        self.grants.stdin.is_some()
    }

    /// Adds what the file grants. Destructured in full, so that no key is accepted and ignored.
    pub(crate) fn grant(&self, grants: &mut Grants) -> Result<(), UsageError> {
        let GrantsSection {
            args,
            env,
            stdin,
            dirs,
            tmp,
            clock,
            random,
            net,
            listen,
            http,
            kv,
            config,
            secrets,
            logging,
            metrics,
            functions,
        } = &self.grants;
        grants.args.extend(args.iter().cloned());
        for variable in env {
            set_env(grants, variable, "grants.env")?;
        }
        if let Some(text) = stdin {
            grants.stdin = self::stdin(text);
        }
        for dir in dirs {
            grants.dirs.push(dir.parse().map_err(|error| wrong("grants.dirs", &error))?);
        }
        if let Some(size) = parse("grants.tmp", tmp.as_deref())? {
            grants.tmp = Some(self::tmp(size, "grants.tmp")?);
        }
        grants.clock = parse("grants.clock", clock.as_deref())?.unwrap_or(grants.clock);
        let random = random.as_ref().map(ToString::to_string);
        grants.random = parse("grants.random", random.as_deref())?.unwrap_or(grants.random);
        grants.net.extend(net.iter().cloned().map(NetGrant));
        grants.listen.extend(listen.iter().cloned());
        grants.http.extend(http.iter().cloned());
        grants.kv.extend(kv.iter().cloned());
        grants.config.extend(config.iter().map(|(key, value)| (key.clone(), value.clone())));
        grants.secrets.extend(secrets.iter().cloned());
        grants.logging |= logging;
        grants.metrics |= metrics;
        grants.functions.extend(functions.iter().cloned());
        Ok(())
    }
}

fn wrong(key: &str, error: &dyn fmt::Display) -> UsageError {
    UsageError(format!("{key}: {error}"))
}

fn parse<T: std::str::FromStr<Err: fmt::Display>>(key: &str, text: Option<&str>) -> Result<Option<T>, UsageError> {
    text.map(|text| text.parse().map_err(|error: T::Err| wrong(key, &error))).transpose()
}

/// `NAME=VALUE`, or `NAME` to copy our own. A later one replaces an earlier one.
pub(super) fn set_env(grants: &mut Grants, text: &str, key: &str) -> Result<(), UsageError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.to_owned()),
        None => {
            let value = std::env::var(text).map_err(|error| match error {
                VarError::NotPresent => {
                    wrong(key, &format!("`{text}` is not set here, so it cannot be copied; write {text}=VALUE"))
                }
                VarError::NotUnicode(_) => wrong(key, &not_text(text)),
            })?;
            (text, value)
        }
    };
    if name.is_empty() || name.contains('\0') || value.contains('\0') {
        return Err(wrong(key, &format!("`{}` is not NAME or NAME=VALUE", text.escape_default())));
    }
    grants.env.retain(|(known, _)| known != name);
    grants.env.push((name.to_owned(), value));
    Ok(())
}

/// What is said of a variable whose value is not UTF-8.
pub(super) fn not_text(name: &str) -> String {
    format!("the value of `{}` is not UTF-8, and a guest can be given no other", name.escape_default())
}

/// The size of a `/tmp`, into which something must fit.
pub(super) fn tmp(size: ByteSize, key: &str) -> Result<ByteSize, UsageError> {
    if size.get() == 0 {
        return Err(wrong(key, &"nothing fits into 0 bytes; leave it out for no /tmp, or give a size such as 16MiB"));
    }
    Ok(size)
}

/// `none`, `inherit`, or a file.
pub(super) fn stdin(text: &str) -> Stdin {
    match text {
        "none" => Stdin::None,
        "inherit" => Stdin::Inherit,
        path => Stdin::File(path.into()),
    }
}

#[cfg(test)]
mod tests {
    use ambit_core::GrantKey;

    use super::*;

    #[test]
    fn every_grant_has_a_key() {
        // A grant kind without a key in the file could not be configured; one line each keeps the two in step.
        let text = "[grants]\nargs=['a']\nenv=['A=1']\nstdin='inherit'\ndirs=['.:/w']\ntmp='1MiB'\nclock='real'\nrandom=7\n\
                    net=['a:1']\nlisten=['b']\nhttp=['c']\nkv=['d']\nsecrets=['e']\nlogging=true\nmetrics=true\n\
                    functions=['f']\n[grants.config]\nk='v'\n";
        let file: ConfigFile = toml::from_str(text).expect("valid");
        let mut grants = Grants::default();
        file.grant(&mut grants).expect("valid");
        let given: Vec<GrantKey> = grants.given().collect();
        let missing: Vec<&GrantKey> =
            GrantKey::ALL.iter().filter(|key| !given.contains(key) && **key != GrantKey::Random).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(grants.random, ambit_core::Random::Seeded(7));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = toml::from_str::<ConfigFile>("memmory = 1").expect_err("unknown").to_string();
        assert!(error.contains("memmory"), "{error}");
        let error =
            toml::from_str::<ConfigFile>("[limits]\nmemry = '1MiB'").expect("any key parses").limits().expect_err("unknown");
        assert_eq!(error.to_string(), "limits: there is no limit `memry`; did you mean `memory`?");
    }

    #[test]
    fn toml_and_yaml_say_the_same() {
        let toml: ConfigFile = toml::from_str("fuel_limit = 1000\n[limits]\nmemory = '1MiB'\nfiles = 7").expect("valid");
        let yaml: ConfigFile = serde_saphyr::from_str("fuel_limit: 1000\nlimits:\n  memory: 1MiB\n  files: 7\n").expect("valid");
        assert_eq!(toml.limits().expect("valid"), yaml.limits().expect("valid"));
    }
}
