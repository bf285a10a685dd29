//! Programs as they are released.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::{
    process::{cargo, target_dir},
    repo::Repo,
};

/// Builds what is measured, and gives back where `program` is. Always the same packages together, so that their dependencies
/// are built once.
pub(super) fn release(repo: &Repo, program: &str) -> anyhow::Result<PathBuf> {
    build(repo, "release", &["-p", "ambit-benches", "-p", "ambit-cli"], program)
}

/// Builds `ambit` as it is shipped, which takes several times as long.
pub(super) fn shipped(repo: &Repo) -> anyhow::Result<PathBuf> {
    build(repo, "dist", &["-p", "ambit-cli"], "ambit")
}

fn build(repo: &Repo, profile: &str, packages: &[&str], program: &str) -> anyhow::Result<PathBuf> {
    let build = [&["build", "--quiet", "--profile", profile], packages].concat();
    let status = cargo(repo).args(&build).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", build.join(" "));
    }
    Ok(target_dir(repo)?.join(profile).join(program))
}
