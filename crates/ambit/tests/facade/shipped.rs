//! The guests that are shipped for embedders: by the crate `ambit-guest`, by `ambit.h`, an actor.

use ambit::{Error, InstanceState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{guest, runtime, trapped, wait};

#[derive(Serialize)]
struct Item {
    name: &'static str,
    cents: u64,
    count: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Invoice {
    customer: String,
    cents: u64,
}

#[test]
fn a_guest_in_rust_answers_with_json() {
    let invoice = runtime().load_blocking(guest("invoice")).expect("admitted");
    assert!(invoice.imports().is_empty());
    let items = [Item { name: "bolt", cents: 25, count: 8 }, Item { name: "nut", cents: 10, count: 3 }];
    let order = json!({ "customer": "Ada", "items": items });
    wait(async {
        let reply: Result<Invoice, String> = invoice.call_json("invoice", &order).await.expect("a reply");
        assert_eq!(reply, Ok(Invoice { customer: "Ada".into(), cents: 230 }));
        assert_eq!(invoice.call_json::<_, u64>("total", &order).await.expect("a reply"), 230);
        let reply: Result<Invoice, String> = invoice.call_json("invoice", &json!({ "customer": 7 })).await.expect("a reply");
        assert!(reply.as_ref().is_err_and(|error| error.contains("invalid type")), "{reply:?}");
        let much = json!({ "customer": "", "items": [Item { name: "a", cents: u64::MAX, count: 2 }] });
        let reply: Result<Invoice, String> = invoice.call_json("invoice", &much).await.expect("a reply");
        assert_eq!(reply, Err("2 times a is too much".into()));
        trapped(invoice.call_json::<_, u64>("total", &much).await);
        assert_eq!(invoice.call_bytes("shout", "quiet").await.expect("a reply"), b"QUIET");
        assert_eq!(invoice.call_bytes("shout", "").await.expect("a reply"), b"");
    });
}

#[test]
fn a_guest_in_rust_leaks_nothing_however_often_it_is_asked() {
    let runtime = runtime();
    let mut kept = runtime.load_blocking(guest("invoice")).expect("admitted").instantiate_blocking().expect("made");
    let mut size = 0;
    for round in 0..300 {
        let text = vec![b'a'; 10_000];
        assert_eq!(kept.call_bytes_blocking("shout", text).expect("a reply"), vec![b'A'; 10_000]);
        let now = kept.memory_size("memory").expect("exported");
        assert!(round < 10 || now == size, "{size} and then {now}");
        size = now;
    }
}

#[test]
fn a_guest_in_rust_looks_up_what_it_is_told() {
    let mut kept = runtime().load_blocking(guest("invoice")).expect("admitted").instantiate_blocking().expect("made");
    // Not what `alloc` gave: it neither reads nor frees there.
    let () = kept.call_blocking("free", (1, 1)).expect("calm");
    let () = kept.call_blocking("free", (u32::MAX, u32::MAX)).expect("calm");
    let address: u32 = kept.call_blocking("alloc", 16).expect("room");
    assert_ne!(address, 0);
    let () = kept.call_blocking("free", (address, 15u32)).expect("calm");
    let () = kept.call_blocking("free", (address, 16u32)).expect("freed");
    let () = kept.call_blocking("free", (address, 16u32)).expect("calm");
    assert_eq!(kept.call_blocking::<_, u32>("alloc", -1).expect("calm"), 0, "there is no room for four gigabytes");
    trapped(kept.call_blocking::<_, i64>("shout", (address, 16u32)));
}

#[test]
fn a_guest_in_c_answers_with_json() {
    let minify = runtime().load_blocking(guest("minify")).expect("admitted");
    assert!(minify.imports().is_empty());
    let text = "{ \"a\" : [ 1 ,\t\"b \\\" c\\\\\" ] ,\r\n \"d\":null }";
    assert_eq!(minify.call_bytes_blocking("minify", text).expect("a reply"), br#"{"a":[1,"b \" c\\"],"d":null}"#);
    let value: Value = minify.call_json_blocking("minify", &json!({ "x": [1, " "] })).expect("a reply");
    assert_eq!(value, json!({ "x": [1, " "] }));
    assert_eq!(minify.call_bytes_blocking("minify", "").expect("a reply"), b"");
    trapped(minify.call_bytes_blocking("minify", "\"no end"));
    trapped(minify.call_bytes_blocking("minify", "\"no end\\"));
    let mut kept = minify.instantiate_blocking().expect("made");
    let mut size = 0;
    for round in 1..=200u64 {
        assert_eq!(kept.call_json_blocking::<_, u64>("count", &json!({ "some": "input" })).expect("a reply"), round);
        kept.call_bytes_blocking("minify", vec![b' '; 50_000]).expect("a reply");
        let now = kept.memory_size("memory").expect("exported");
        assert!(round < 10 || now == size, "{size} and then {now}");
        size = now;
    }
}

#[test]
fn an_actor_has_a_state() {
    let counter = runtime().load_blocking(guest("counter")).expect("admitted");
    let mut account = counter.instantiate_blocking().expect("made");
    let mut other = counter.instantiate_blocking().expect("made");
    assert_eq!(account.call_blocking::<_, i64>("add", 40i64).expect("it returns"), 40);
    assert_eq!(other.call_blocking::<_, i64>("add", 1i64).expect("it returns"), 1);
    assert_eq!(account.call_blocking::<_, i64>("take", 10i64).expect("it returns"), 30);
    assert_eq!(account.memory_read("memory", 0, 8).expect("inside"), 30i64.to_le_bytes());
    trapped(account.call_blocking::<_, i64>("take", 31i64));
    assert_eq!(account.state(), InstanceState::Over);
    assert!(matches!(account.call_blocking::<_, i64>("get", ()), Err(Error::Over)), "less than nothing is never seen");
    account.reset_blocking().expect("made anew");
    assert_eq!(account.call_blocking::<_, i64>("get", ()).expect("it returns"), 0);
    assert_eq!(other.call_blocking::<_, i64>("get", ()).expect("it returns"), 1);
}
