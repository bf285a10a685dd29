//! Figures of whole processes whose guests are in jails, beside what others use for that.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use super::{
    figure::Sample,
    release::shipped,
    whole::{COMPARED_RUNS, HELLO, compared},
};
use crate::{process::on_path, repo::Repo};

/// `ambit run hello` as it is by default, beside `wasmtime run hello`, both without anything compiled before.
pub(super) fn run_hello_jailed(repo: &Repo) -> anyhow::Result<Sample> {
    let Some(wasmtime) = on_path("wasmtime") else { return Ok(missing("wasmtime")) };
    let ambit = shipped(repo)?;
    let ours = ["run", "--no-cache", HELLO];
    compared(repo, (&ambit, &ours), (&wasmtime, &["run", "-C", "cache=n", HELLO]), COMPARED_RUNS * 3)
}

/// The same of a hello that both have compiled before. Each in its own place, so that it is there whoever measures.
pub(super) fn run_hello_cached(repo: &Repo) -> anyhow::Result<Sample> {
    let Some(wasmtime) = on_path("wasmtime") else { return Ok(missing("wasmtime")) };
    let ambit = shipped(repo)?;
    let store = std::env::temp_dir().join(format!("ambit-figures-cached-{}", std::process::id()));
    let store_path = store.to_string_lossy();
    let ours = ["run", "--store", &*store_path, HELLO];
    let sample = compared(repo, (&ambit, &ours), (&wasmtime, &["run", "-C", "cache=y", HELLO]), COMPARED_RUNS * 3);
    // Whatever is left of it is in the directory for temporary files.
    let _ = fs::remove_dir_all(&store);
    sample
}

/// The same, beside a container that says hello.
pub(super) fn run_hello_crun(repo: &Repo) -> anyhow::Result<Sample> {
    let Some(crun) = on_path("crun") else { return Ok(missing("crun")) };
    let ambit = shipped(repo)?;
    let bundle = bundle(&crun)?;
    let bundle_path = bundle.to_string_lossy();
    // Without a control group, as we have none: that is its quickest.
    let theirs = ["--cgroup-manager=disabled", "run", "--bundle", &*bundle_path, "ambit-figures-hello"];
    let tried = Command::new(&crun).args(theirs).output()?;
    let sample = match tried.status.success() {
        true => compared(repo, (&ambit, &["run", HELLO]), (&crun, &theirs), COMPARED_RUNS),
        false => Ok(Sample::Skipped(format!("crun does not run here: {}", String::from_utf8_lossy(&tried.stderr).trim()))),
    };
    // Whatever is left of it is in the directory for temporary files.
    let _ = fs::remove_dir_all(&bundle);
    sample
}

/// The same, beside the engine in a sandbox.
pub(super) fn run_hello_bwrap(repo: &Repo) -> anyhow::Result<Sample> {
    let (Some(wasmtime), Some(bwrap)) = (on_path("wasmtime"), on_path("bwrap")) else {
        return Ok(missing("wasmtime and bwrap"));
    };
    let ambit = shipped(repo)?;
    let wasmtime = wasmtime.to_string_lossy();
    let theirs = ["--ro-bind", "/", "/", "--unshare-all", &*wasmtime, "run", "-C", "cache=n", HELLO];
    compared(repo, (&ambit, &["run", "--no-cache", HELLO]), (&bwrap, &theirs), COMPARED_RUNS)
}

/// How fast a guest computes, jailed and bounded, as a share of an engine's speed: its time as the partner of ours, so that more
/// is faster.
pub(super) fn cpu(repo: &Repo, guest: &[&str], flags: &[&str]) -> anyhow::Result<Sample> {
    let Some(wasmtime) = on_path("wasmtime") else { return Ok(missing("wasmtime")) };
    let ambit = shipped(repo)?;
    let ours = [&["run", "--no-cache", "--timeout", "100s", "guests/bin/cpu.wasm", "--"], guest].concat();
    let theirs = [&["run", "-C", "cache=n"], flags, &["guests/bin/cpu.wasm"], guest].concat();
    match compared(repo, (&ambit, &ours), (&wasmtime, &theirs), 9)? {
        Sample::Value { ours, partner: Some(theirs), .. } => {
            Ok(Sample::Value { ours: 1000.0 / ours, partner: Some(1000.0 / theirs), unit: "runs/s".into() })
        }
        other => Ok(other),
    }
}

/// A bundle with a static program that says hello.
fn bundle(crun: &Path) -> anyhow::Result<PathBuf> {
    let bundle = std::env::temp_dir().join(format!("ambit-figures-{}", std::process::id()));
    fs::create_dir_all(bundle.join("rootfs")).context("cannot make a bundle")?;
    let source = bundle.join("hello.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { puts(\"hello, world\"); return 0; }\n")?;
    let built = Command::new("cc").args(["-O2", "-static", "-o"]).arg(bundle.join("rootfs/hello")).arg(&source).status()?;
    let spec = Command::new(crun).arg("spec").current_dir(&bundle).status()?;
    if !built.success() || !spec.success() {
        bail!("cannot make a bundle with a static hello");
    }
    let config = bundle.join("config.json");
    let mut value: serde_json::Value = serde_json::from_str(&fs::read_to_string(&config)?)?;
    value["process"]["args"] = serde_json::json!(["/hello"]);
    value["process"]["terminal"] = false.into();
    fs::write(&config, value.to_string())?;
    Ok(bundle)
}

fn missing(what: &str) -> Sample {
    Sample::Skipped(format!("there is no {what} on PATH to compare with"))
}
