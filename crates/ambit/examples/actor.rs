//! Actors: instances that are kept between calls, each with a state of its own, looked into from outside, and made anew
//! after they have failed.
//!
//! ```sh
//! cargo run --example actor
//! ```
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::{thread, time::Duration};

use ambit::{Error, Instance, InstanceState, RunState, Runtime, Units};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder().memory(1.mib()).timeout(5.secs()).build()?;
    // guests/wat/counter.wat: `add`, `take` and `get` of a number in its memory.
    let counter = runtime.load_file_blocking(guest("counter"))?;
    let mut ada = counter.instantiate_blocking()?;
    let mut eve = counter.instantiate_blocking()?;
    println!("ada has {}", ada.call_blocking::<_, i64>("add", 100i64)?);
    println!("eve has {}", eve.call_blocking::<_, i64>("add", 5i64)?);
    println!("ada has {}", ada.call_blocking::<_, i64>("take", 30i64)?);

    // Its memory can be read and written while it is not called.
    println!("ada's memory begins with {:?}", ada.memory_read("memory", 0, 8)?);
    ada.memory_write("memory", 0, &1000i64.to_le_bytes())?;
    println!("ada has {}, and was called {:?} times", ada.call_blocking::<_, i64>("get", ())?, ada.global_get("calls")?);

    // A call that fails may leave things half done: eve's number is negative by now. Nobody sees that.
    report("eve takes more than there is", eve.call_blocking::<_, i64>("take", 6i64));
    println!("eve is {:?}", eve.state());
    report("eve is asked again", eve.call_blocking::<_, i64>("get", ()));
    eve.reset_blocking()?;
    println!("eve is {:?}, and has {}", eve.state(), eve.call_blocking::<_, i64>("get", ())?);

    pause()?;
    println!("\nada: {:?}", ada.statistics());
    println!("eve: {:?}", eve.statistics());
    println!("reserved for both: {} MiB", runtime.stats().reserved >> 20);
    Ok(())
}

/// Pauses a call from another thread, looks at it, and cancels it.
fn pause() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder().timeout(5.secs()).build()?;
    let busy = r#"(module (global $n (mut i64) (i64.const 0))
        (func (export "work") (loop (global.set $n (i64.add (global.get $n) (i64.const 1))) (br 0))))"#;
    let mut worker: Instance = runtime.load_blocking(wat::parse_str(busy)?)?.instantiate_blocking()?;
    let control = worker.control();
    let operator = thread::spawn(move || {
        let wait_for = |state| {
            while control.state() != state {
                thread::sleep(Duration::from_millis(1));
            }
        };
        wait_for(InstanceState::Calling(RunState::Running));
        control.pause();
        wait_for(InstanceState::Calling(RunState::Paused));
        println!("\nthe worker is {:?}, with {} bytes of memory", control.state(), control.memory());
        control.resume();
        thread::sleep(Duration::from_millis(20));
        control.cancel("operator");
    });
    report("the worker", worker.call_blocking::<_, ()>("work", ()));
    operator.join().expect("it ends");
    Ok(())
}

fn report<T: std::fmt::Debug>(what: &str, result: Result<T, Error>) {
    match result {
        Ok(value) => println!("{what}: {value:?}"),
        Err(error) => println!("{what}: {error}"),
    }
}

fn guest(name: &str) -> String {
    format!("{}/../../guests/bin/{name}.wasm", env!("CARGO_MANIFEST_DIR"))
}
