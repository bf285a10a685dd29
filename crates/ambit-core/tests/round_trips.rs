//! What people write and what is shown are the same values, and values survive both wire forms.

use ambit_core::{Bound, ByteSize, Count, Cpus, Digest, DirGrant, Grants, LimitKey, Limits, LimitsSpec, Span, escape};
use proptest::prelude::*;

fn both_wires<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = postcard::to_stdvec(value).expect("encodes");
    assert_eq!(&postcard::from_bytes::<T>(&bytes).expect("decodes"), value);
    let text = serde_json::to_string(value).expect("encodes");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("decodes"), value);
}

proptest! {
    #[test]
    fn sizes(bytes in 1u64..) {
        let size = ByteSize::bytes(bytes);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
        both_wires(&Bound::At(size));
    }

    #[test]
    fn spans(nanos in 1u64..) {
        let span = Span::from(std::time::Duration::from_nanos(nanos));
        prop_assert_eq!(span.to_string().parse(), Ok(span));
        both_wires(&Bound::At(span));
    }

    #[test]
    fn counts_and_cores(n in 1u64..) {
        prop_assert_eq!(Count(n).to_string().parse(), Ok(Count(n)));
        let cores = Cpus::from_milli(n);
        prop_assert_eq!(cores.to_string().parse(), Ok(cores));
        both_wires(&Bound::At(cores));
    }

    #[test]
    fn digests(bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        both_wires(&digest);
    }

    #[test]
    fn no_text_is_a_panic(text: String) {
        let _ = text.parse::<ByteSize>();
        let _ = text.parse::<Span>();
        let _ = text.parse::<Count>();
        let _ = text.parse::<Cpus>();
        let _ = text.parse::<Digest>();
        let _ = text.parse::<DirGrant>();
        let _ = LimitsSpec::default().set(&text, &text);
    }

    #[test]
    fn escaped_text_is_one_printable_line_within_its_cap(bytes: Vec<u8>, cap in 0usize..200) {
        let shown = escape(&bytes, cap);
        prop_assert!(shown.chars().all(|c| !c.is_control()));
        prop_assert!(shown.len() <= cap + 40);
    }

    #[test]
    fn limits_take_every_value_in_their_range(index in 0..LimitKey::ALL.len(), value in 1u64..) {
        let key = LimitKey::ALL[index];
        let mut spec = LimitsSpec::default();
        if spec.set(key.name(), &key.show(value).replace(' ', "")).is_ok() {
            let limits = Limits::default().with(&spec);
            prop_assert_eq!(limits.validate(), Ok(()));
            prop_assert_eq!(limits.get(key).finite(), Some(value));
            both_wires(&limits);
        }
    }
}

#[test]
fn unlimited_survives() {
    both_wires(&Limits::unlimited());
    both_wires(&Limits::default());
    both_wires(&Grants::default());
}

#[test]
fn an_unknown_field_is_an_error() {
    let mut value = serde_json::to_value(Limits::default()).expect("encodes");
    value["run"]["memmory"] = 1.into();
    assert!(serde_json::from_value::<Limits>(value).is_err());
}
