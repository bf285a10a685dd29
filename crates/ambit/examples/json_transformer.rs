//! JSON in, JSON out: one guest written in Rust with the crate `ambit-guest`, one in C with `ambit.h`.
//!
//! ```sh
//! cargo run --example json_transformer
//! ```
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::time::Instant;

use ambit::{Runtime, Units};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize)]
struct Order {
    customer: String,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    name: String,
    cents: u64,
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Invoice {
    customer: String,
    cents: u64,
    lines: Vec<Value>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder().memory(16.mib()).timeout(1.secs()).build()?;

    // guests/rust/invoice: replies `{"Ok": …}` or `{"Err": "what is wrong"}`, which is a `Result` here.
    let invoice = runtime.load_file(guest("invoice")).await?;
    let item = |name: &str, cents, count| Item { name: name.into(), cents, count };
    let order = Order { customer: "Ada".into(), items: vec![item("bolt", 25, 8), item("nut", 10, 30)] };
    let reply: Result<Invoice, String> = invoice.call_json("invoice", &order).await?;
    let Invoice { customer, cents, lines } = reply?;
    println!("{customer} pays {cents} cents for {} lines", lines.len());

    let much = Order { customer: "Eve".into(), items: vec![item("moon", u64::MAX, 2)] };
    let reply: Result<Invoice, String> = invoice.call_json("invoice", &much).await?;
    println!("an order that cannot be: {:?}", reply.expect_err("too much"));
    let reply: Result<Invoice, String> = invoice.call_json("invoice", &json!(["no", "order"])).await?;
    println!("what is no order: {:?}", reply.expect_err("a list"));

    // guests/c/minify: replies JSON as it is.
    let minify = runtime.load_file(guest("minify")).await?;
    let small = minify.call_bytes("minify", "{ \"a\": [ 1, 2 ],\n  \"b\": \" kept \" }").await?;
    println!("minified: {}", String::from_utf8_lossy(&small));
    match minify.call_bytes("minify", "\"it does not end").await {
        Ok(reply) => println!("it replied {reply:?}"),
        Err(error) => println!("what is no JSON: {error}"),
    }

    // Each of these has an instance of its own: nothing of one order is there for the next.
    const ORDERS: u32 = 10_000;
    let began = Instant::now();
    for _ in 0..ORDERS {
        let _: Value = invoice.call_json("invoice", &order).await?;
    }
    let took = began.elapsed();
    println!("{ORDERS} orders, each in a fresh instance: {took:.2?}, {:.2?} each", took / ORDERS);
    Ok(())
}

fn guest(name: &str) -> String {
    format!("{}/../../guests/bin/{name}.wasm", env!("CARGO_MANIFEST_DIR"))
}
