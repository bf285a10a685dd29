//! Values of every type, there and back: as JSON, as WAVE, as the bytes that go between processes, and through a component.

use ambit::{ComponentType, ComponentValue, Dialect, Runtime};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    any::{any_type, any_value},
    identity,
};

/// Values of each type.
const VALUES: u32 = 8;

/// A type, and some values of it.
fn any_values() -> impl Strategy<Value = (ComponentType, Vec<ComponentValue>)> {
    any_type().prop_flat_map(|ty| {
        let values = prop::collection::vec(any_value(&ty), VALUES as usize);
        (Just(ty), values)
    })
}

#[test]
fn every_value_goes_everywhere_and_back() {
    let runtime = Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases: 150, ..Config::default() });
    let result = runner.run(&any_values(), |(ty, values)| {
        let bytes = wat::parse_str(identity::text(&ty)).map_err(|error| TestCaseError::fail(format!("{ty}: {error}")))?;
        let module = runtime.load_blocking(bytes).map_err(|error| TestCaseError::fail(format!("{ty}: {error}")))?;
        let id = module.component_func("id").map_err(|error| TestCaseError::fail(format!("{ty}: {error}")))?;
        // What admission makes of the type is the type.
        prop_assert_eq!(&id.ty().params[0].1.to_string(), &parameter(&ty));
        for value in values {
            prop_assert_eq!(value.check(&ty), Ok(()));
            let params = [("x".to_owned(), ty.clone())];
            let wave = format!("({value})");
            prop_assert_eq!(ComponentValue::parse_args(&wave, &params), Ok(vec![value.clone()]), "{}", wave);
            let json = serde_json::to_string(&value.data(Dialect::Json)).expect("JSON");
            let data: ciborium::Value = serde_json::from_str(&json).expect("JSON");
            prop_assert_eq!(ComponentValue::from_data(&data, &ty), Ok(value.clone()), "{}", json);
            let packed = value.pack();
            prop_assert_eq!(ComponentValue::unpack(&packed, &ty, value.memory()), Ok(value.clone()));
            prop_assert!(ComponentValue::unpack(&packed, &ty, value.memory() - 1).is_err());
            let given = identity::argument(&value);
            let returned =
                id.call_blocking(std::slice::from_ref(&given)).map_err(|error| TestCaseError::fail(format!("{ty}: {error}")))?;
            let expect = identity::returned(&value);
            prop_assert_eq!(returned.as_ref(), Some(&expect), "through a component");
            let by_wave = module.call_wave_blocking(&format!("id({given})")).expect("as people write it");
            prop_assert_eq!(by_wave, Some(expect.to_string()));
            let given = serde_json::to_value(given.data(Dialect::Json)).expect("JSON");
            let by_json: serde_json::Value = module.call_json_blocking("id", &[given]).expect("as JSON");
            prop_assert!(by_json.is_array());
        }
        Ok(())
    });
    result.expect("every value of every type");
}

/// The type that the identity takes.
fn parameter(ty: &ComponentType) -> String {
    format!("tuple<{ty}{}>", ", u64".repeat(17))
}
