//! A program with plug-ins: each price rule is a module that somebody else wrote. It may ask the host for a stock price, if
//! it is granted that, and do nothing else; whatever it does otherwise is an end of its own and no harm to the others.
//!
//! ```sh
//! cargo run --example plugin_host
//! ```
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use ambit::{FuncType, HostError, HostFunctions, Runtime, TenantConfig, Units, ValType, Value};

/// Takes a tenth off what the host says that the article costs.
const DISCOUNT: &str = r#"(module
    (import "shop" "price" (func $price (param i32) (result i64)))
    (func (export "offer") (param $article i32) (result i64)
        (i64.div_s (i64.mul (call $price (local.get $article)) (i64.const 9)) (i64.const 10))))"#;

/// The same for everything, without asking.
const FLAT: &str = r#"(module (func (export "offer") (param i32) (result i64) (i64.const 500)))"#;

/// Never comes to an end.
const LOOPING: &str = r#"(module (func (export "offer") (param i32) (result i64) (loop (br 0)) (i64.const 0)))"#;

/// Takes all the memory there is.
const GREEDY: &str = r#"(module (memory 1) (func (export "offer") (param i32) (result i64)
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable))"#;

/// Divides by an article number that may be 0.
const CARELESS: &str = r#"(module (func (export "offer") (param i32) (result i64)
    (i64.extend_i32_s (i32.div_s (i32.const 700) (i32.rem_s (local.get 0) (i32.const 2))))))"#;

/// Would like to see the customers, which the shop shows to nobody.
const NOSY: &str = r#"(module (import "shop" "customers" (func)) (func (export "offer") (param i32) (result i64) (i64.const 1)))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime =
        Runtime::builder().memory(8.mib()).timeout(100.millis()).functions(functions()?).grant("functions", "prices").build()?;
    // All plug-ins together have at most half a core, and the program's own guests the rest.
    let plugins = runtime.tenant(TenantConfig { cpus: ambit::Bound::At("0.5".parse()?), ..TenantConfig::new("plug-ins") })?;

    let written_by_others =
        [("discount", DISCOUNT), ("flat", FLAT), ("looping", LOOPING), ("greedy", GREEDY), ("careless", CARELESS), ("nosy", NOSY)];
    for (name, text) in written_by_others {
        let module = match runtime.load_blocking(wat::parse_str(text)?) {
            Ok(module) => module.with_name(name).with_tenant(&plugins),
            Err(error) => {
                println!("{name:9} not loaded: {error}");
                continue;
            }
        };
        let offer = module.func::<i32, i64>("offer")?;
        for article in [1, 2] {
            match offer.call_blocking(article) {
                Ok(cents) => println!("{name:9} offers article {article} for {cents} cents"),
                Err(error) => println!("{name:9} article {article}: {error}"),
            }
        }
    }

    let stats = runtime.stats();
    println!("\nended: {:?}", stats.ended);
    for tenant in stats.tenants {
        println!("tenant {}: {} calls, {:?} of CPU time", tenant.name, tenant.ended, tenant.cpu);
    }
    Ok(())
}

/// What plug-ins may call: `shop.price`, behind the grant `prices`.
fn functions() -> Result<HostFunctions, ambit::RegisterError> {
    let mut functions = HostFunctions::new();
    let ty = FuncType { params: vec![ValType::I32], results: vec![ValType::I64] };
    functions.add(("shop", "price"), ty, "prices", |_call, args| match args {
        [Value::I32(1)] => Ok(vec![Value::I64(1000)]),
        [Value::I32(2)] => Ok(vec![Value::I64(250)]),
        _ => Err(HostError::new("there is no such article")),
    })?;
    Ok(functions)
}
