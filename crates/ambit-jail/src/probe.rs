//! What this machine gives to this user: tried through the code that jails processes, not guessed from its settings.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use ambit_core::{Access, EngineId, Layer};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    process::geteuid,
};

use crate::{
    End, JailError, JailSpec, LandlockStatus, Purpose, Rlimits, SpawnOptions, Spawner,
    cgroup::{Cgroups, Offers},
    grant::grant_dir,
    identity::is_root,
    landlock,
    seccomp::ExtraSyscalls,
    spawn::is_namespace,
    sys,
    wire::{FromWorker, WireError},
};

/// How long a worker may take to enter its jail. Far more than it needs: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// What this machine gives to this user.
#[derive(Debug)]
pub struct Machine {
    /// What became of workers that were to enter a jail.
    pub entry: Tried,
    /// Whether a worker that guests share can enter one with all layers.
    pub tenant: Result<(), JailError>,
    /// What Landlock denies here; `None` if there is none.
    pub landlock: Option<LandlockStatus>,
    /// What control groups can do. That of this process may have been told to pass its controllers on.
    pub cgroups: Offers,
    /// Why the directory that was asked about cannot be granted, if it cannot. Each file system decides for itself.
    pub grant: Result<(), String>,
    /// Whether the kernel finds the pages that a guest wrote to.
    pub pagemap_scan: bool,
    /// How many mappings a process may have, where the kernel tells.
    pub max_map_count: Option<u64>,
    /// Whether this is root.
    pub root: bool,
}

/// What became of workers that were to enter a jail: the first with all layers, each later one without those that had failed.
#[derive(Debug, Default)]
pub struct Tried {
    /// The layers around the one that could; `None` if none could.
    pub layers: Option<Vec<Layer>>,
    /// Why the others could not, in turn.
    pub failed: Vec<JailError>,
}

impl Machine {
    /// Tries it all. Spawns this program as a worker, so its `main` must become one; `dir` is a directory to try to grant.
    pub fn probe(dir: &Path) -> Self {
        Self {
            entry: Tried::attempt(),
            tenant: Spawner::this_program().and_then(|spawner| enter_once(&spawner, Purpose::Tenant, &[]).map(drop)),
            landlock: landlock::abi().map(LandlockStatus::of),
            cgroups: Cgroups::discover().offers(),
            grant: grant_dir(dir, Access::ReadOnly).map(drop).map_err(|error| error.to_string()),
            pagemap_scan: sys::pagemap_scan(),
            max_map_count: fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok()),
            root: geteuid().is_root(),
        }
    }
}

impl Tried {
    fn attempt() -> Self {
        let mut entry = Self::default();
        let spawner = match Spawner::this_program() {
            Ok(spawner) => spawner,
            Err(error) => return Self { failed: vec![error], ..entry },
        };
        let mut without = Vec::new();
        loop {
            let error = match enter_once(&spawner, Purpose::Process, &without) {
                Ok(layers) => return Self { layers: Some(layers), ..entry },
                Err(error) => error,
            };
            let more = error.layer.map(|layer| leaning_on(layer, &without)).unwrap_or_default();
            entry.failed.push(error);
            if more.is_empty() {
                return entry;
            }
            without.extend(more);
        }
    }
}

/// What else to go without, if `layer` has failed. Nothing, if going without it does not help.
fn leaning_on(layer: Layer, without: &[Layer]) -> Vec<Layer> {
    let root = is_root();
    if !is_namespace(layer) {
        return if without.contains(&layer) { Vec::new() } else { vec![layer] };
    }
    // Root has the others without a user namespace, if it has the right; nobody else has.
    if layer == Layer::UserNamespace && root && !without.contains(&layer) {
        return vec![layer];
    }
    Layer::ALL.iter().copied().filter(|layer| is_namespace(*layer) && !without.contains(layer)).collect()
}

/// Has a worker enter its jail: the layers around it then.
fn enter_once(spawner: &Spawner, purpose: Purpose, without: &[Layer]) -> Result<Vec<Layer>, JailError> {
    let options = SpawnOptions { dispensable: without, ..SpawnOptions::default() };
    let mut spawned = spawner.spawn(purpose.process_name(), &options)?;
    let spec = JailSpec {
        purpose,
        engine: EngineId::Wasmtime,
        given: spawned.given.clone(),
        dispensable: without.to_vec(),
        page: false,
        dirs: Vec::new(),
        tmp: None,
        classic_root: false,
        rlimits: Rlimits::default(),
        syscalls: ExtraSyscalls::default(),
    };
    let until = Instant::now() + PATIENCE;
    let mut heard = spawned.channel.send(&spec, &[], PATIENCE).map(|()| None);
    while let Ok(None) = heard {
        heard = spawned.channel.try_receive::<FromWorker>();
        let left = until.saturating_duration_since(Instant::now());
        if matches!(heard, Ok(None)) && left > Duration::ZERO {
            let timeout = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: 0 };
            // Woken for nothing, it looks again.
            let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(spawned.channel.socket(), PollFlags::IN)], Some(&timeout));
        } else if matches!(heard, Ok(None)) {
            heard = Err(WireError::Stuck(PATIENCE));
        }
    }
    let said = match heard {
        Ok(said) => said.map(|(said, _)| said),
        Err(error) => return Err(why_it_ended(spawned, &error)),
    };
    match said {
        Some(FromWorker::Entered { layers, .. }) => Ok(layers),
        Some(FromWorker::NotEntered(error)) => Err(error),
        Some(FromWorker::Failed(words)) => Err(JailError::other("start a worker", &io::Error::other(words))),
        _ => Err(JailError::other("start a worker", &io::Error::other("it says something else"))),
    }
}

/// Why a worker is gone, or is sent away, before it has said that it is inside.
fn why_it_ended(mut spawned: crate::Spawned, error: &WireError) -> JailError {
    if !matches!(error, WireError::Closed) {
        spawned.child.kill();
    }
    let exit = spawned.child.wait();
    if let Some(error) = spawned.child.failed_start() {
        return error;
    }
    let how = match (error, exit.map(|exit| exit.end)) {
        (WireError::Closed, Ok(End::Signal(signal))) => format!("it was ended by signal {signal}"),
        (WireError::Closed, Ok(End::Code(code))) => format!("it ended with code {code}"),
        (error, _) => error.to_string(),
    };
    let words = spawned.child.last_words().map(|words| format!(": {words}")).unwrap_or_default();
    JailError::other("start a worker", &io::Error::other(format!("{how}{words}")))
}
