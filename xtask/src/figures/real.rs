//! Figures of programs that nobody here wrote, as `tests/real/run.sh` fetches and builds them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::bail;

use super::{
    figure::Sample,
    release::shipped,
    whole::{COMPARED_RUNS, compared, median, time_zero},
};
use crate::{process::on_path, repo::Repo};

/// Runs of a program that is compiled each time.
const FIRST_RUNS: usize = 3;

/// A directory that is gone with this.
struct Scratch(PathBuf);

impl Scratch {
    fn new(what: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ambit-figures-{what}-{}", std::process::id())))
    }

    fn path(&self) -> std::borrow::Cow<'_, str> {
        self.0.to_string_lossy()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whatever is left of it is in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Later runs of esbuild, 20 MB, beside its first.
pub(super) fn esbuild_again(repo: &Repo) -> anyhow::Result<Sample> {
    let Some(program) = program("esbuild") else { return Ok(missing("esbuild")) };
    let ambit = shipped(repo)?;
    let program = program.to_string_lossy();
    let mut first: Vec<Duration> = Vec::new();
    let mut again: Vec<Duration> = Vec::new();
    for _ in 0..FIRST_RUNS {
        let store = Scratch::new("esbuild");
        let path = store.path();
        let run = ["run", "--store", &*path, &*program, "--", "--version"];
        first.push(time_zero(repo, &ambit, &run)?);
        settled(repo, &ambit, &run)?;
        for _ in 0..COMPARED_RUNS {
            again.push(time_zero(repo, &ambit, &run)?);
        }
    }
    Ok(Sample::Value { ours: median(&mut again), partner: Some(median(&mut first)), unit: "ms".into() })
}

/// SQLite from the cache, beside an engine that is given what it has compiled before.
pub(super) fn sqlite_precompiled(repo: &Repo) -> anyhow::Result<Sample> {
    let (Some(program), Some(wasmtime)) = (program("sqlite"), on_path("wasmtime")) else { return Ok(missing("sqlite")) };
    let store = Scratch::new("sqlite");
    fs::create_dir_all(&store.0)?;
    let code = store.0.join("sqlite.cwasm");
    let compiled = Command::new(&wasmtime).arg("compile").arg(&program).arg("-o").arg(&code).status()?;
    if !compiled.success() {
        bail!("`wasmtime compile` ended with {compiled}");
    }
    let code = code.to_string_lossy();
    beside(repo, &program, (&wasmtime, &["run", "--allow-precompiled", &*code]))
}

/// SQLite from the cache, beside an engine with its own.
pub(super) fn sqlite_cached(repo: &Repo) -> anyhow::Result<Sample> {
    let (Some(program), Some(wasmtime)) = (program("sqlite"), on_path("wasmtime")) else { return Ok(missing("sqlite")) };
    let path = program.to_string_lossy();
    beside(repo, &program, (&wasmtime, &["run", "-C", "cache=y", &*path]))
}

fn beside(repo: &Repo, program: &Path, theirs: (&Path, &[&str])) -> anyhow::Result<Sample> {
    let ambit = shipped(repo)?;
    let store = Scratch::new("store");
    let (path, program) = (store.path(), program.to_string_lossy());
    let ours = ["run", "--store", &*path, &*program];
    time_zero(repo, &ambit, &ours)?;
    settled(repo, &ambit, &ours)?;
    compared(repo, (&ambit, &ours), theirs, COMPARED_RUNS * 3)
}

/// What was kept is looked at in full until a second has passed since, and once more then.
fn settled(repo: &Repo, ambit: &Path, run: &[&str]) -> anyhow::Result<()> {
    std::thread::sleep(Duration::from_millis(1500));
    time_zero(repo, ambit, run).map(drop)
}

/// A program, where it was fetched to or built.
fn program(name: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("AMBIT_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/ambit")))?;
    let files = fs::read_dir(cache.join("real")).ok()?;
    let mut found = files.filter_map(|file| Some(file.ok()?.path())).filter(|path| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".wasm"))
    });
    found.next()
}

fn missing(what: &str) -> Sample {
    Sample::Skipped(format!("`tests/real/run.sh {what}` makes what it needs; and `wasmtime` must be on PATH"))
}
