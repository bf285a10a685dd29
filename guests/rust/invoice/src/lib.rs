//! Adds up an order: JSON in, JSON out, by the crate `ambit-guest`. Without a standard library's help, and without imports.
//!
//! `invoice` takes `{"customer": …, "items": [{"name": …, "cents": …, "count": …}]}` and replies `{"Ok": {"customer": …,
//! "lines": [{"name": …, "cents": …}], "cents": …}}`, or `{"Err": "what is wrong"}`. `shout` replies its input in capitals.

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    customer: String,
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    name: String,
    cents: u64,
    count: u64,
}

#[derive(Serialize)]
struct Invoice {
    customer: String,
    lines: Vec<Line>,
    cents: u64,
}

#[derive(Serialize)]
struct Line {
    name: String,
    cents: u64,
}

#[unsafe(no_mangle)]
extern "C" fn invoice(address: u32, len: u32) -> u64 {
    ambit_guest::try_json(address, len, add_up)
}

#[unsafe(no_mangle)]
extern "C" fn shout(address: u32, len: u32) -> u64 {
    ambit_guest::bytes(address, len, |text| text.to_ascii_uppercase())
}

/// The same as `invoice` for hosts that take it to be in order: what is not traps.
#[unsafe(no_mangle)]
extern "C" fn total(address: u32, len: u32) -> u64 {
    ambit_guest::json(address, len, |order| add_up(order).expect("an order that adds up").cents)
}

fn add_up(order: Order) -> Result<Invoice, String> {
    let mut invoice = Invoice { customer: order.customer, lines: Vec::new(), cents: 0 };
    for Item { name, cents, count } in order.items {
        let line = cents.checked_mul(count).ok_or_else(|| format!("{count} times {name} is too much"))?;
        invoice.cents = invoice.cents.checked_add(line).ok_or("the sum is too large")?;
        invoice.lines.push(Line { name, cents: line });
    }
    Ok(invoice)
}
