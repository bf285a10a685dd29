//! Wasmtime's side: what somebody writes who uses Wasmtime well, and the same settings as ours.

use ambit_engine::{Settings, wasmtime::pooled_configuration};
use tokio::runtime::{Builder, Runtime};
use wasmtime::{
    Engine, InstancePre, Linker, Module, ResourceLimiter, Store, UpdateDeadline,
    component::{self, Component, ComponentType, Lift, Linker as ComponentLinker, Lower, ResourceTable},
};
use wasmtime_wasi::{
    WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    p1::WasiP1Ctx,
    p2::{bindings::CommandPre, pipe::MemoryOutputPipe},
};

/// A limiter that sums, as ours does.
#[derive(Debug, Default)]
struct Limiter {
    bytes: usize,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.bytes += desired - current;
        Ok(self.bytes <= 64 << 20)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.bytes += (desired - current) * 8;
        Ok(self.bytes <= 64 << 20)
    }
}

fn driver() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn engine(settings: &Settings) -> Engine {
    Engine::new(&pooled_configuration(settings, crate::POOL)).expect("valid")
}

fn prepare<T>(store: &mut Store<T>, limiter: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static) {
    store.limiter(limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
}

/// A module without imports, one function of which is called.
pub struct Raw {
    driver: Runtime,
    engine: Engine,
    pre: InstancePre<Limiter>,
    function: String,
}

impl Raw {
    /// Calls `function` of a module.
    ///
    /// # Panics
    /// Wasmtime does not accept the module.
    pub fn new(bytes: &[u8], function: &str, settings: &Settings) -> Self {
        let engine = engine(settings);
        let module = Module::new(&engine, bytes).expect("valid");
        let pre = Linker::new(&engine).instantiate_pre(&module).expect("no imports");
        Self { driver: driver(), engine, pre, function: function.into() }
    }

    /// Runs `count` fresh instances, one after the other.
    ///
    /// # Panics
    /// One of them traps.
    pub fn runs(&self, count: u32) {
        self.driver.block_on(async {
            for _ in 0..count {
                let mut store = Store::new(&self.engine, Limiter::default());
                prepare(&mut store, |limiter| limiter);
                let instance = self.pre.instantiate_async(&mut store).await.expect("instantiates");
                let function = instance.get_typed_func::<(), ()>(&mut store, &self.function).expect("exported");
                function.call_async(&mut store, ()).await.expect("returns");
            }
        });
    }
}

struct Preview1 {
    wasi: WasiP1Ctx,
    limiter: Limiter,
}

/// A program of WASI preview 1.
pub struct RawPreview1 {
    driver: Runtime,
    engine: Engine,
    pre: InstancePre<Preview1>,
}

impl RawPreview1 {
    /// A program.
    ///
    /// # Panics
    /// Wasmtime does not accept the module.
    pub fn new(bytes: &[u8], settings: &Settings) -> Self {
        let engine = engine(settings);
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p1::add_to_linker_async(&mut linker, |state: &mut Preview1| &mut state.wasi).expect("links");
        let pre = linker.instantiate_pre(&Module::new(&engine, bytes).expect("valid")).expect("links");
        Self { driver: driver(), engine, pre }
    }

    /// Runs `count` fresh instances, one after the other.
    ///
    /// # Panics
    /// One of them fails.
    pub fn runs(&self, count: u32) {
        self.driver.block_on(async {
            for _ in 0..count {
                let mut builder = WasiCtxBuilder::new();
                builder.arg("bench").stdout(MemoryOutputPipe::new(1 << 20)).allow_blocking_current_thread(true);
                let mut store = Store::new(&self.engine, Preview1 { wasi: builder.build_p1(), limiter: Limiter::default() });
                prepare(&mut store, |state| &mut state.limiter);
                let instance = self.pre.instantiate_async(&mut store).await.expect("instantiates");
                let start = instance.get_typed_func::<(), ()>(&mut store, "_start").expect("exported");
                match start.call_async(&mut store, ()).await {
                    Ok(()) => {}
                    Err(error) => assert!(matches!(error.downcast_ref(), Some(wasmtime_wasi::I32Exit(0))), "{error}"),
                }
            }
        });
    }
}

struct Preview2 {
    wasi: WasiCtx,
    table: ResourceTable,
    limiter: Limiter,
}

impl WasiView for Preview2 {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// A component that is a program.
pub struct RawComponent {
    driver: Runtime,
    engine: Engine,
    pre: CommandPre<Preview2>,
}

impl RawComponent {
    /// A program.
    ///
    /// # Panics
    /// Wasmtime does not accept the component.
    pub fn new(bytes: &[u8], settings: &Settings) -> Self {
        let engine = engine(settings);
        let mut linker = ComponentLinker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("links");
        let pre = linker.instantiate_pre(&Component::new(&engine, bytes).expect("valid")).expect("links");
        Self { driver: driver(), engine, pre: CommandPre::new(pre).expect("a program") }
    }

    /// Runs `count` fresh instances, one after the other.
    ///
    /// # Panics
    /// One of them fails.
    pub fn runs(&self, count: u32) {
        self.driver.block_on(async {
            for _ in 0..count {
                let mut builder = WasiCtxBuilder::new();
                builder.arg("bench").stdout(MemoryOutputPipe::new(1 << 20)).allow_blocking_current_thread(true);
                let state = Preview2 { wasi: builder.build(), table: ResourceTable::new(), limiter: Limiter::default() };
                let mut store = Store::new(&self.engine, state);
                prepare(&mut store, |state| &mut state.limiter);
                let command = self.pre.instantiate_async(&mut store).await.expect("instantiates");
                let result = command.wasi_cli_run().call_run(&mut store).await.expect("returns");
                assert_eq!(result, Ok(()));
            }
        });
    }
}

/// What `guests/wit/greet` takes, as Wasmtime's macros have it.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
struct Person {
    name: String,
    titles: Vec<String>,
    language: Option<Language>,
}

#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "the type has all of them")]
enum Language {
    #[component(name = "english")]
    English,
    #[component(name = "german")]
    German,
    #[component(name = "greek")]
    Greek,
}

#[derive(Debug, ComponentType, Lift)]
#[component(record)]
#[expect(dead_code, reason = "read as a whole")]
struct Greeting {
    text: String,
    characters: u32,
}

#[derive(Debug, ComponentType, Lift)]
#[component(variant)]
#[expect(dead_code, reason = "read as a whole")]
enum GreetError {
    #[component(name = "nameless")]
    Nameless,
    #[component(name = "too-often")]
    TooOften(u8),
}

/// The plug-in of `guests/wit/greet`, its function called with static types.
pub struct RawTyped {
    driver: Runtime,
    engine: Engine,
    pre: component::InstancePre<Preview2>,
    index: component::ComponentExportIndex,
}

impl RawTyped {
    /// A component of that world.
    ///
    /// # Panics
    /// Wasmtime does not accept the component, or it is of another world.
    pub fn new(bytes: &[u8], settings: &Settings) -> Self {
        let engine = engine(settings);
        let mut linker = ComponentLinker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("links");
        let component = Component::new(&engine, bytes).expect("valid");
        let index = component.get_export_index(None, "greet").expect("exported");
        let pre = linker.instantiate_pre(&component).expect("links");
        Self { driver: driver(), engine, pre, index }
    }

    /// Calls it in `count` fresh instances, one after the other, as [`Ours`](crate::Ours) is asked to with
    /// [`GREET`](crate::GREET).
    ///
    /// # Panics
    /// One of them fails.
    pub fn runs(&self, count: u32) {
        let person = || Person { name: "Ada".into(), titles: vec!["Dr.".into()], language: Some(Language::German) };
        self.driver.block_on(async {
            for _ in 0..count {
                let mut builder = WasiCtxBuilder::new();
                builder.arg("bench").allow_blocking_current_thread(true);
                let state = Preview2 { wasi: builder.build(), table: ResourceTable::new(), limiter: Limiter::default() };
                let mut store = Store::new(&self.engine, state);
                prepare(&mut store, |state| &mut state.limiter);
                let instance = self.pre.instantiate_async(&mut store).await.expect("instantiates");
                let greet = instance
                    .get_typed_func::<(Person, u8), (Result<Greeting, GreetError>,)>(&mut store, &self.index)
                    .expect("of these types");
                let (greeting,) = greet.call_async(&mut store, (person(), 1)).await.expect("returns");
                assert!(greeting.is_ok(), "{greeting:?}");
            }
        });
    }
}

impl std::fmt::Debug for RawTyped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawTyped")
    }
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Raw")
    }
}

impl std::fmt::Debug for RawPreview1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawPreview1")
    }
}

impl std::fmt::Debug for RawComponent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawComponent")
    }
}
