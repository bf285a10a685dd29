//! WASI preview 2 for components that are programs.
//!
//! The interfaces are wasmtime-wasi's; streams, clocks and random numbers are this host's. There are no directories: the
//! grant is refused for components until these interfaces have quotas and a guard against FIFOs and devices.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use ambit_core::{Random, RejectReason, Rejection};
use rand_chacha::rand_core::{Infallible, TryRng};
use wasmtime::{
    Engine, Store,
    component::{Linker, ResourceTable},
};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::{
    data::Data,
    p2_stdio,
    program::{Linked, Pre},
};
use crate::{
    ended::Ended,
    host::{GuestClock, GuestRandom, Host},
    meter::Meter,
};

/// The most random bytes one call gives: they are made in one go.
const MOST_RANDOM: u64 = 1 << 20;

/// A component's side of the host.
pub(super) struct Preview2 {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let p2 = self.p2.as_mut().expect("set before a component is instantiated");
        WasiCtxView { ctx: &mut p2.ctx, table: &mut p2.table }
    }
}

/// A linker with every interface that a component may import.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Data>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Ok(linker)
}

impl Preview2 {
    /// What `host` grants, in the shape of preview 2.
    pub(super) fn new(host: &Host) -> Self {
        let mut builder = WasiCtxBuilder::new();
        builder
            .arg(&*host.name)
            .args(&host.args)
            .envs(&host.env)
            .stdin(p2_stdio::Input(host.stdin.clone()))
            .stdout(p2_stdio::Output(host.stdout.clone()))
            .stderr(p2_stdio::Output(host.stderr.clone()))
            .wall_clock(Wall(ClockCell::new(&host.clock)))
            .monotonic_clock(Monotonic(ClockCell::new(&host.clock)))
            .max_random_size(MOST_RANDOM)
            .allow_blocking_current_thread(true)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        match host.random.kind() {
            // The builder's own are generators seeded by the operating system.
            Random::Os => {}
            seeded @ Random::Seeded(_) => {
                builder.secure_random(Generator(GuestRandom::new(seeded)));
                builder.insecure_random(Generator(GuestRandom::new(seeded)));
            }
        }
        let capacity = host.meter.limits().resource_table.ceiling();
        let mut table = ResourceTable::new();
        table.set_max_capacity(saturating(capacity));
        Self { ctx: builder.build(), table }
    }
}

/// Instantiates a component that is a program, and runs it.
pub(super) async fn run(linked: &Linked, store: &mut Store<Data>, meter: &Meter) -> wasmtime::Result<Ended> {
    let Pre::Component(_, Some(command)) = &linked.pre else {
        return Ok(Ended::Refused(Rejection::new(RejectReason::NotFound, "the component does not export `wasi:cli/run`")));
    };
    let limits = meter.limits();
    meter.host_calls_are_unknown();
    store.set_hostcall_fuel(saturating(limits.host_buffers.ceiling()));
    store.set_max_component_handles(saturating(limits.handles.ceiling()));
    let preview2 = Preview2::new(&store.data().host);
    store.data_mut().p2 = Some(Box::new(preview2));
    let began = Instant::now();
    let command = command.instantiate_async(&mut *store).await?;
    meter.note_instantiate(began.elapsed());
    Ok(match command.wasi_cli_run().call_run(&mut *store).await? {
        Ok(()) => Ended::Returned(Vec::new()),
        Err(()) => Ended::Exited(1),
    })
}

fn saturating(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Clocks are asked through a shared reference.
struct ClockCell(Mutex<GuestClock>);

impl ClockCell {
    fn new(clock: &GuestClock) -> Self {
        Self(Mutex::new(clock.clone()))
    }

    fn read<R>(&self, read: impl FnOnce(&mut GuestClock) -> R) -> R {
        read(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

struct Wall(ClockCell);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(self.0.read(|clock| clock.resolution()))
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.read(GuestClock::realtime))
    }
}

struct Monotonic(ClockCell);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        self.0.read(|clock| clock.resolution())
    }

    fn now(&self) -> u64 {
        self.0.read(GuestClock::monotonic)
    }
}

struct Generator(GuestRandom);

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}
