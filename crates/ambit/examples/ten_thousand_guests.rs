//! Ten thousand guests: one after the other, each in a fresh instance; from several threads at once; and ten thousand that are
//! kept, all at the same time. Prints what they take.
//!
//! ```sh
//! cargo run --release --example ten_thousand_guests [GUESTS]
//! ```
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use ambit::{Instance, Module, Runtime, TypedFunc, Units};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let guests: u32 = std::env::args().nth(1).map_or(Ok(10_000), |text| text.parse())?;
    let runtime = Runtime::builder().memory(4.mib()).timeout(10.secs()).pool(guests.min(10_000)).build()?;
    // guests/wat/noop.wat: 17 pages of memory, one of them with data, as a small C program has.
    let module = runtime.load_file_blocking(format!("{}/../../guests/bin/noop.wasm", env!("CARGO_MANIFEST_DIR")))?;
    println!("{guests} guests of {} bytes, {:?} to compile", module.size(), module.compile_time());

    one_after_the_other(&module, guests)?;
    from_threads(&module, guests)?;
    kept(&module, guests)?;

    let stats = runtime.stats();
    println!("\nended: {:?}", stats.ended);
    println!("on the thread that asked: {}, slices on cores: {}", stats.inline, stats.slices);
    println!("reserved now: {} bytes, instances: {}", stats.reserved, stats.instances);
    Ok(())
}

/// Each call has an instance of its own, made for it and gone after it.
fn one_after_the_other(module: &Module, guests: u32) -> Result<(), ambit::Error> {
    for name in ["noop", "touch"] {
        // Looked up and its types checked once.
        let (began, before) = (Instant::now(), resident());
        match name {
            "noop" => call_often(&module.func::<(), ()>(name)?, guests)?,
            _ => call_often(&module.func::<(), i32>(name)?, guests)?,
        }
        let took = began.elapsed();
        println!("\n{name}, one after the other: {took:.2?}, {}", each(took, guests));
        println!("  memory grew by {} KiB", resident().saturating_sub(before));
    }
    Ok(())
}

fn call_often<R: ambit::Values>(function: &TypedFunc<(), R>, guests: u32) -> Result<(), ambit::Error> {
    for _ in 0..guests {
        function.call_blocking(())?;
    }
    Ok(())
}

/// The same from as many threads as there are cores.
fn from_threads(module: &Module, guests: u32) -> Result<(), ambit::Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let touch = module.func::<(), i32>("touch")?;
    let began = Instant::now();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..threads).map(|_| scope.spawn(|| call_often(&touch, guests))).collect();
        callers.into_iter().try_for_each(|caller| caller.join().expect("it does not panic"))
    })?;
    let calls = guests * u32::try_from(threads).unwrap_or(u32::MAX);
    let took = began.elapsed();
    println!("\ntouch, from {threads} threads at once: {took:.2?} for {calls}, {}", each(took, calls));
    Ok(())
}

/// All of them at the same time, each with a state of its own.
fn kept(module: &Module, guests: u32) -> Result<(), ambit::Error> {
    let (began, before) = (Instant::now(), resident());
    let mut all = (0..guests).map(|_| module.instantiate_blocking()).collect::<Result<Vec<Instance>, _>>()?;
    let took = began.elapsed();
    println!("\n{guests} kept instances: {took:.2?}, {}", each(took, guests));
    println!("  memory grew by {} KiB, {:.1} KiB each", resident() - before, per_guest(before, guests));

    let touch = module.func::<(), i32>("touch")?;
    // The first word of its data, and one more with each call.
    let word = i32::from_le_bytes(*b"000:");
    for round in 1..=2 {
        let began = Instant::now();
        for instance in &mut all {
            assert_eq!(touch.call_in_blocking(instance, ())?, word + round, "each counts its own calls");
        }
        let took = began.elapsed();
        println!("  call {round} of each: {took:.2?}, {}", each(took, guests));
    }
    println!("  memory grew by {:.1} KiB each, one touched page included", per_guest(before, guests));
    let began = Instant::now();
    drop(all);
    println!("  all gone in {:.2?}", began.elapsed());
    Ok(())
}

fn each(took: Duration, guests: u32) -> String {
    format!("{:.2?} each, {:.0} a second", took / guests, f64::from(guests) / took.as_secs_f64())
}

fn per_guest(before: u64, guests: u32) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "it is printed with one digit")]
    let grown = resident().saturating_sub(before) as f64;
    grown / f64::from(guests)
}

/// Memory of this process's own that is resident, in KiB: not the pages of a module's data that its guests share until they
/// write to them.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|rest| rest.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}
