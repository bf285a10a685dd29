//! Which imports a module may have.

use serde::{Deserialize, Serialize};

/// Which imports a policy lets a module have. The host links nothing that is not allowed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportPolicy {
    /// An import is allowed if any rule names it.
    pub allow: Vec<ImportRule>,
}

/// A set of imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportRule {
    /// Every import of a core module's import module, such as `wasi_snapshot_preview1`.
    Module(String),
    /// One import of a core module, such as `env` `log`.
    Item(String, String),
    /// Every interface of a component-model package in any version, such as `wasi:cli`.
    Package(String),
}

impl ImportPolicy {
    /// WASI preview 1, `env`, and the packages of WASI preview 2 that a command needs.
    pub fn standard() -> Self {
        let packages = ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];
        let mut allow = vec![ImportRule::Module("wasi_snapshot_preview1".into()), ImportRule::Module("env".into())];
        allow.extend(packages.map(|package| ImportRule::Package(package.into())));
        Self { allow }
    }

    /// `env.log` and nothing else.
    pub fn log_only() -> Self {
        Self { allow: vec![ImportRule::Item("env".into(), "log".into())] }
    }

    /// Whether a core module may import `name` from `module`.
    pub fn allows_core(&self, module: &str, name: &str) -> bool {
        self.allow.iter().any(|rule| match rule {
            ImportRule::Module(m) => m == module,
            ImportRule::Item(m, n) => m == module && n == name,
            ImportRule::Package(_) => false,
        })
    }

    /// Whether a component may import the interface `name`, such as `wasi:io/streams@0.2.6`.
    pub fn allows_interface(&self, name: &str) -> bool {
        let package = name.split_once('/').map_or("", |(package, _)| package);
        self.allow.iter().any(|rule| match rule {
            ImportRule::Package(p) => p == package,
            ImportRule::Module(_) | ImportRule::Item(..) => false,
        })
    }
}
