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
    build(repo, &["--release", "-p", "ambit-benches", "-p", "ambit-cli"])?;
    Ok(target_dir(repo)?.join("release").join(program))
}

/// Builds `ambit` as README.md installs it, which takes several times as long.
pub(super) fn shipped(repo: &Repo) -> anyhow::Result<PathBuf> {
    // Named, or else the flags would be those of the compiler's own plug-ins as well.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    build(repo, &["--profile", "dist", "--config", ".cargo/dist.toml", "--target", &target, "-p", "ambit-cli"])?;
    Ok(target_dir(repo)?.join(target).join("dist/ambit"))
}

fn build(repo: &Repo, what: &[&str]) -> anyhow::Result<()> {
    let build = [&["build", "--quiet"], what].concat();
    let status = cargo(repo).args(&build).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", build.join(" "));
    }
    Ok(())
}
