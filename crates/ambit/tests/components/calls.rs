//! Calls by serde, by values and by text; what cannot be called.

use std::collections::BTreeMap;

use ambit::{ComponentValue, Error, LimitKey, Module, Outcome, RejectReason, Runtime, Units};
use serde::{Deserialize, Serialize};
use serde_json::json;

fn runtime() -> Runtime {
    Runtime::builder().cores(1).pool(8).build().expect("a runtime")
}

fn guest(name: &str) -> Module {
    let path = format!("{}/../../guests/bin/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    runtime().load_file_blocking(path).expect("a guest that is shipped")
}

fn load(text: &str) -> Module {
    runtime().load_blocking(wat::parse_str(text).expect("text")).expect("admitted")
}

#[derive(Debug, Serialize)]
struct Person {
    name: &'static str,
    titles: Vec<&'static str>,
    language: Option<Language>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Language {
    German,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Greeting {
    text: String,
    characters: u32,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GreetError {
    Nameless,
    TooOften(u8),
}

const JUERGEN: Person = Person { name: "Jürgen", titles: Vec::new(), language: Some(Language::German) };

/// The same plug-in from three toolchains.
const GREETERS: [&str; 3] = ["greet-rust", "greet-c", "greet-js"];

#[test]
fn rust_types_go_in_and_come_out() {
    for name in GREETERS {
        let module = guest(name);
        let greet = module.component_func("greet").expect("exported");
        let greeting: Result<Greeting, GreetError> = greet.call_as_blocking(&(JUERGEN, 1)).expect("it returns");
        assert_eq!(greeting, Ok(Greeting { text: "Guten Tag, Jürgen!".into(), characters: 18 }), "{name}");
        let greeting: Result<Greeting, GreetError> = greet.call_as_blocking(&(JUERGEN, 6)).expect("it returns");
        assert_eq!(greeting, Err(GreetError::TooOften(5)), "{name}");
        let nobody = Person { name: "", ..JUERGEN };
        let greeting: Result<Greeting, GreetError> = module.call_json_blocking("greet", &(nobody, 1)).expect("it returns");
        assert_eq!(greeting, Err(GreetError::Nameless), "{name}");
    }
}

#[test]
fn json_goes_in_and_comes_out() {
    for name in GREETERS {
        let module = guest(name);
        let call = |input: &serde_json::Value| module.call_json_blocking::<_, serde_json::Value>("greet", input);
        let expect = json!({"Ok": {"text": "Hello, Zoë!", "characters": 11}});
        // In order, or by name; options may be left out, or be null.
        assert_eq!(call(&json!([{"name": "Zoë", "titles": [], "language": null}, 1])).expect("it returns"), expect, "{name}");
        assert_eq!(call(&json!({"times": 1, "who": {"titles": [], "name": "Zoë"}})).expect("it returns"), expect, "{name}");
    }
}

#[test]
fn text_goes_in_and_comes_out() {
    for name in GREETERS {
        let module = guest(name);
        let said = module.call_wave_blocking(r#"greet({name: "Zoë 🦀", titles: ["Dr."], language: some(greek)}, 2)"#);
        let expect = r#"ok({text: "Γεια σου, Dr. Zoë 🦀! Γεια σου, Dr. Zoë 🦀!", characters: 41})"#;
        assert_eq!(said.expect("it returns").as_deref(), Some(expect), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_said_with_its_place_before_anything_runs() {
    let module = guest("greet-rust");
    let check = |input: serde_json::Value, expect: &str| {
        let error = module.call_json_blocking::<_, serde_json::Value>("greet", &input).expect_err("it does not fit");
        assert_eq!(error.rejection().map(|rejection| rejection.reason), Some(RejectReason::Policy), "{error}");
        let text = error.to_string();
        assert!(text.ends_with(expect), "{text}\n{expect}");
    };
    let person = |titles: serde_json::Value| json!({"name": "x", "titles": titles});
    check(json!([person(json!(["a", 3])), 1]), "at `who.titles[1]`: expected string, found 3");
    check(json!([person(json!("a")), 1]), "at `who.titles`: expected list<string>, found \"a\"");
    check(json!([person(json!([])), 256]), "at `times`: expected u8, found 256");
    check(json!([person(json!([])), 1.5]), "at `times`: expected u8, found 1.5");
    check(json!([person(json!([])), null]), "at `times`: expected u8, found null");
    check(json!({"who": person(json!([]))}), "at `times`: expected u8, found nothing");
    check(json!([{"name": "x", "titles": [], "language": "latin"}, 1]), "found \"latin\"");
    check(json!([{"name": "x", "titles": [], "age": 3}, 1]), "found the field \"age\"");
    check(json!([1]), "as an array, or as an object by their names, found an array of 1");
    let module = guest("greet-c");
    let greet = module.component_func("greet").expect("exported");
    let error = greet.call_blocking(&[ComponentValue::Bool(true), ComponentValue::U8(1)]).expect_err("another type");
    assert!(error.to_string().contains("at `who`: expected record {"), "{error}");
    let error = greet.call_blocking(&[]).expect_err("too few");
    assert!(error.to_string().contains("expected 2 arguments, found 0 arguments"), "{error}");
    let error = greet.call_as_blocking::<_, u32>(&(JUERGEN, 1)).expect_err("it returns something else");
    assert!(matches!(&error, Error::Returned { ty, .. } if ty.starts_with("result<record {")), "{error}");
}

#[test]
fn a_type_that_is_huge_when_written_out_is_not() {
    // Ten in ten in ten in ten: no more is written than is shown.
    let mut types = r#"(type $r0 (record (field "abcdefghijklmnopqrstuvwxyz" u8))) (export $t0 "t" (type $r0))"#.to_owned();
    for level in 1..5 {
        types += &format!("(type $t{level} (tuple {}))", format!("$t{} ", level - 1).repeat(10));
    }
    let module = load(&format!(
        r#"(component {types}
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
                (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            (func (export "f") (param "x" $t4)
                (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))"#
    ));
    let error = module.call_wave_blocking("f(1)").expect_err("of another type").to_string();
    let expect = "at `x`: expected tuple<tuple<tuple<tuple<record { abcdefghijklmnopqrstuvwxyz: u8 }, record {";
    assert!(error.contains(expect) && error.ends_with("…, found 1"), "{error}");
}

/// Functions of which most mean something within the component only.
const HANDLES: &str = r#"(component
    (type $r' (resource (rep i32)))
    (export $r "cursor" (type $r'))
    (core module $m (func (export "n") (param i32)) (func (export "g") (result i32) (i32.const 0)) (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "take") (param "x" (own $r)) (canon lift (core func $i "n")))
    (func (export "lend") (param "x" (option (borrow $r))) (canon lift (core func $i "f2")))
    (func (export "plain") (canon lift (core func $i "f"))))"#;

#[test]
fn what_means_something_within_only_is_refused_by_name() {
    let module = load(&HANDLES.replace(
        r#"    (func (export "lend") (param "x" (option (borrow $r))) (canon lift (core func $i "f2")))
"#,
        "",
    ));
    assert_eq!(module.call_wave_blocking("plain()").expect("it returns"), None);
    assert_eq!(module.call_json_blocking::<_, ()>("plain", &()).map_err(|error| error.to_string()), Ok(()));
    let refused = |name: &str| module.component_func(name).expect_err("refused").to_string();
    assert_eq!(refused("take"), "not-found: `take` cannot be called from outside: it takes the resource `cursor`");
    assert_eq!(refused("plane"), "not-found: there is no exported function `plane`; did you mean `plain`?");
    let core = load("(module (func (export \"f\")))");
    assert!(core.component_func("f").expect_err("refused").to_string().contains("it is a core module"));
    let error = module.call_blocking::<_, ()>("plain", ()).expect_err("another way to call it");
    assert!(error.to_string().contains("it is a component"), "{error}");
}

/// Two interfaces with a function of the same name, and one with one of its own.
fn shops() -> Module {
    let one = |name: &str, number: u32| {
        format!(
            r#"(core module $m{number} (func (export "f") (result i32) (i32.const {number})))
               (core instance $i{number} (instantiate $m{number}))
               (func $f{number} (result u32) (canon lift (core func $i{number} "f")))
               (instance (export "{name}") (export "count" (func $f{number})){})"#,
            if number == 1 { r#" (export "only" (func $f1))"# } else { "" },
        )
    };
    load(&format!("(component {} {})", one("acme:shop/cart@1.0.0", 1), one("acme:shop/shelf@1.0.0", 2)))
}

#[test]
fn functions_of_interfaces_are_named() {
    let module = shops();
    let call = |name: &str| module.call_wave_blocking(&format!("{name}()")).map_err(|error| error.to_string());
    assert_eq!(call("only"), Ok(Some("1".into())));
    assert_eq!(call("acme:shop/shelf@1.0.0#count"), Ok(Some("2".into())));
    let several = "not-found: several functions are called `count`: name one of acme:shop/cart@1.0.0#count, \
                   acme:shop/shelf@1.0.0#count";
    assert_eq!(call("count"), Err(several.into()));
    assert!(call("acme:shop/shelf@1.0.0#only").expect_err("of the other").contains("did you mean"), "the nearest is named");
}

/// Gives back a string that it keeps in another encoding.
fn encoded(encoding: &str, data: &str, len: &str) -> Module {
    load(&format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (data (i32.const 16) "{data}")
                (data (i32.const 0) "\10\00\00\00{len}")
                (func (export "f") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func (export "f") (result string)
                (canon lift (core func $i "f") (memory $i "memory") string-encoding={encoding})))"#
    ))
}

#[test]
fn strings_of_every_encoding_are_read() {
    let check = |module: Module, expect: &str| {
        let text: String = module.call_json_blocking("f", &()).expect("it returns");
        assert_eq!(text, expect);
    };
    check(encoded("utf8", "Zo\\c3\\ab", "\\04\\00\\00\\00"), "Zoë");
    check(encoded("utf16", "Z\\00o\\00\\3e\\d8\\80\\dd", "\\04\\00\\00\\00"), "Zo🦀");
    check(encoded("latin1+utf16", "Zo\\eb", "\\03\\00\\00\\00"), "Zoë");
    check(encoded("latin1+utf16", "Z\\00o\\00\\3e\\d8\\80\\dd", "\\04\\00\\00\\80"), "Zo🦀");
    // What is none is the guest's failure.
    let error = encoded("utf8", "\\ff", "\\01\\00\\00\\00").call_json_blocking::<_, String>("f", &()).expect_err("no UTF-8");
    assert!(matches!(error.outcome(), Some(Outcome::Trapped { .. })), "{error}");
}

#[test]
fn what_is_returned_is_charged() {
    // A list of as many bytes as one likes, each of which takes far more in the host.
    let text = r#"(component
        (core module $m
            (memory (export "memory") 20)
            (func (export "f") (param i32) (result i32)
                (i32.store (i32.const 0) (i32.const 16))
                (i32.store (i32.const 4) (local.get 0))
                (i32.const 0)))
        (core instance $i (instantiate $m))
        (func (export "f") (param "n" u32) (result (list u8)) (canon lift (core func $i "f") (memory $i "memory"))))"#;
    let runtime = Runtime::builder().cores(1).limit("host-buffers", "64KiB").memory(4.mib()).build().expect("a runtime");
    let module = runtime.load_blocking(wat::parse_str(text).expect("text")).expect("admitted");
    let bytes: Vec<u8> = module.call_json_blocking("f", &(1000,)).expect("it is short");
    assert_eq!(bytes.len(), 1000);
    let error = module.call_json_blocking::<_, Vec<u8>>("f", &(10_000,)).expect_err("it is long");
    assert!(matches!(error.outcome(), Some(Outcome::LimitExceeded { limit: LimitKey::HostBuffers, .. })), "{error}");
}

#[test]
fn deadlines_hold_for_calls_of_components() {
    let text = r#"(component
        (core module $m (func (export "f") (loop (br 0))))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))"#;
    let runtime = Runtime::builder().cores(1).timeout(50.millis()).build().expect("a runtime");
    let module = runtime.load_blocking(wat::parse_str(text).expect("text")).expect("admitted");
    let error = module.call_wave_blocking("f()").expect_err("it ends at its deadline");
    assert!(matches!(error.outcome(), Some(Outcome::LimitExceeded { limit: LimitKey::WallTime, .. })), "{error}");
}

#[test]
fn what_is_no_number_in_json_is_one_in_rust() {
    let text = r#"(component
        (core module $m (func (export "f") (param f64 f32) (result f64) (f64.add (local.get 0) (f64.promote_f32 (local.get 1)))))
        (core instance $i (instantiate $m))
        (func (export "f") (param "a" f64) (param "b" f32) (result f64) (canon lift (core func $i "f"))))"#;
    let module = load(text);
    let sum: f64 = module.call_json_blocking("f", &(f64::INFINITY, 1.5f32)).expect("it returns");
    assert_eq!(sum, f64::INFINITY);
    let sum: f64 = module.call_json_blocking("f", &json!({"a": "NaN", "b": 1})).expect("it returns");
    assert!(sum.is_nan());
    let args = BTreeMap::from([("a", 0.1), ("b", 0.5)]);
    assert_eq!(module.call_json_blocking::<_, f64>("f", &args).expect("it returns"), 0.6);
    assert_eq!(module.call_wave_blocking("f(-inf, 0)").expect("it returns").as_deref(), Some("-inf"));
    // What is beyond all numbers of a type is none of it, and no infinity.
    for call in ["f(1e309, 0)", "f(0, -1e39)"] {
        assert!(module.call_wave_blocking(call).expect_err("beyond").to_string().contains("expected f"), "{call}");
    }
    assert!(module.call_json_blocking::<_, f64>("f", &json!([0, 1e39])).expect_err("beyond").to_string().contains("expected f32"));
}
