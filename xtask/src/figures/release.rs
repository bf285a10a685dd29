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
    let build = ["build", "--quiet", "--release", "-p", "ambit-benches", "-p", "ambit-cli"];
    let status = cargo(repo).args(build).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", build.join(" "));
    }
    Ok(target_dir(repo)?.join("release").join(program))
}
