//! Components: WASI preview 2, programs, and calls of their functions.
//!
//! What is generic of the interfaces is wasmtime-wasi's: streams, pollables, arguments, terminals. What they reach is this
//! host's: files, standard streams, clocks, random numbers. Nothing here starts a thread.

mod clocks;
mod errors;
mod file_streams;
mod file_types;
mod files;
mod interfaces;
mod random;
mod sockets;
mod stdio;
mod values;

use std::time::Instant;

use bytes::Bytes;
use wasmtime::{
    Engine, Store,
    component::{HasData, Linker, ResourceTable},
};
use wasmtime_wasi::{
    WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    cli::{WasiCli, WasiCliView},
    p2::{
        StreamError, StreamResult,
        bindings::{cli, clocks as clock, filesystem, random as rand, sockets as net},
    },
    sockets::{WasiSockets, WasiSocketsView},
};
use wasmtime_wasi_io::bindings::wasi::io;

use self::clocks::Sleepers;
use super::{
    begin::First,
    data::Data,
    enter::missing,
    program::{Linked, Pre},
};
use crate::{
    call::{Call, Target},
    ended::Ended,
    functions::HostFunctions,
    host::{Host, Stop},
    meter::Meter,
};

/// The most bytes that are read or written at once.
const MOST: usize = 64 << 10;

/// A component's side of the host.
pub(super) struct Preview2 {
    ctx: WasiCtx,
    table: ResourceTable,
    sleepers: Sleepers,
}

/// What the host functions of this host work on.
struct View<'a> {
    host: &'a mut Host,
    table: &'a mut ResourceTable,
    sleepers: &'a Sleepers,
}

struct HasView;

impl HasData for HasView {
    type Data<'a> = View<'a>;
}

/// What wasmtime-wasi's streams and pollables work on.
struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

impl Data {
    fn p2(&mut self) -> &mut Preview2 {
        self.p2.as_mut().expect("set before a component is instantiated")
    }

    fn view(&mut self) -> View<'_> {
        let Preview2 { table, sleepers, .. } = &mut **self.p2.as_mut().expect("set before a component is instantiated");
        View { host: &mut self.host, table, sleepers }
    }
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Preview2 { ctx, table, .. } = self.p2();
        WasiCtxView { ctx, table }
    }
}

pub(super) use self::interfaces::imported;

/// A linker with every interface that a component may import, and no other.
pub(super) fn linker(engine: &Engine, functions: &HostFunctions) -> wasmtime::Result<Linker<Data>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    io::error::add_to_linker::<_, HasView>(l, Data::view)?;
    io::poll::add_to_linker::<_, HasTable>(l, |data| &mut data.p2().table)?;
    io::streams::add_to_linker::<_, HasTable>(l, |data| &mut data.p2().table)?;

    clock::wall_clock::add_to_linker::<_, HasView>(l, Data::view)?;
    clock::monotonic_clock::add_to_linker::<_, HasView>(l, Data::view)?;
    filesystem::preopens::add_to_linker::<_, HasView>(l, Data::view)?;
    filesystem::types::add_to_linker::<_, HasView>(l, Data::view)?;

    rand::random::add_to_linker::<_, HasView>(l, Data::view)?;
    rand::insecure::add_to_linker::<_, HasView>(l, Data::view)?;
    rand::insecure_seed::add_to_linker::<_, HasView>(l, Data::view)?;

    cli::environment::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, Data::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, Data::cli)?;

    // The doors to sockets are this host's, and closed; behind them nothing can be reached.
    net::tcp_create_socket::add_to_linker::<_, HasView>(l, Data::view)?;
    net::udp_create_socket::add_to_linker::<_, HasView>(l, Data::view)?;
    net::ip_name_lookup::add_to_linker::<_, HasView>(l, Data::view)?;
    net::instance_network::add_to_linker::<_, WasiSockets>(l, Data::sockets)?;
    net::network::add_to_linker::<_, HasView>(l, &net::network::LinkOptions::default(), Data::view)?;
    net::tcp::add_to_linker::<_, WasiSockets>(l, Data::sockets)?;
    net::udp::add_to_linker::<_, WasiSockets>(l, Data::sockets)?;
    interfaces::link(l, functions)?;
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
            .stdin(stdio::Input(host.stdin.clone()))
            .stdout(stdio::Output(host.stdout.clone()))
            .stderr(stdio::Output(host.stderr.clone()))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        let capacity = host.meter.limits().resource_table.ceiling();
        let mut table = ResourceTable::new();
        table.set_max_capacity(saturating(capacity));
        Self { ctx: builder.build(), table, sleepers: Sleepers::default() }
    }
}

/// Instantiates a component, and calls what is to be called of it.
pub(super) async fn run(linked: &Linked, store: &mut Store<Data>, first: &First, meter: &Meter) -> wasmtime::Result<Ended> {
    let Pre::Component(pre, command) = &linked.pre else { return Ok(missing("a component's function was asked of a core module")) };
    let limits = meter.limits();
    meter.host_calls_are_unknown();
    // Of flags Wasmtime counts the letters of their names alone: where there may be some, there is so much less to count.
    let excess = match first {
        First::Call(Call { target: Target::Component { function, .. }, .. }) => function.flags_excess().max(linked.flags_excess),
        First::Call(_) | First::Keep => linked.flags_excess,
    };
    store.set_hostcall_fuel(saturating(limits.host_buffers.ceiling() / excess));
    store.set_max_component_handles(saturating(limits.handles.ceiling()));
    let preview2 = Preview2::new(&store.data().host);
    store.data_mut().p2 = Some(Box::new(preview2));
    let began = Instant::now();
    match (first, command) {
        (First::Call(Call { target: Target::Component { function, args }, .. }), _) => {
            let instance = pre.instantiate_async(&mut *store).await?;
            meter.note_instantiate(began.elapsed());
            values::call(instance, store, function, args, meter).await
        }
        (First::Call(Call { target: Target::ComponentRun, .. }), Some(command)) => {
            let command = command.instantiate_async(&mut *store).await?;
            meter.note_instantiate(began.elapsed());
            Ok(match command.wasi_cli_run().call_run(&mut *store).await? {
                Ok(()) => Ended::Returned(Vec::new()),
                Err(()) => Ended::Exited(1),
            })
        }
        (First::Call(Call { target: Target::ComponentRun, .. }), None) => {
            Ok(missing("the component does not export `wasi:cli/run`"))
        }
        (First::Call(Call { target: Target::Function { .. } | Target::Exchange(_), .. }) | First::Keep, _) => {
            Ok(missing("a core function was asked of a component"))
        }
    }
}

/// A component has written more than it was told that it may.
fn beyond() -> StreamError {
    StreamError::Trap(wasmtime::Error::new(Stop::Trap("more was written to a stream than `check-write` allowed".into())))
}

/// As many zeroes as may be written at once.
fn zeroes(len: usize) -> StreamResult<Bytes> {
    const ZEROES: &[u8] = &[0; MOST];
    ZEROES.get(..len).map(Bytes::from_static).ok_or_else(beyond)
}

fn saturating(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
