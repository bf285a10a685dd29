//! Calls with typed values.

use ambit_core::{Outcome, RejectReason, ResultValue};
use ambit_engine::{Call, Ended, Function, host::HostSpec};

use crate::drive::{Rig, on_each_engine};

const MODULE: &str = r#"(module
    (func (export "add") (param i32 i64) (result i64) (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)))
    (func (export "both") (param f32 f64 v128) (result v128 f64 f32) (local.get 2) (local.get 1) (local.get 0))
    (func (export "takes") (param externref))
    (func (export "gives") (result funcref) (ref.null func))
    (memory (export "memory") 1))"#;

on_each_engine! {
    fn values_go_in_and_come_out_by_their_bits(engine) {
        let rig = Rig::on(engine, MODULE, &[]);
        let (outcome, results) = rig.run("add", &[ResultValue::I32(-2), ResultValue::I64(i64::MAX)]);
        assert_eq!((outcome, results), (Outcome::Exited { code: 0 }, vec![ResultValue::I64(i64::MAX - 2)]));
        let nan = 0x7fa0_0001; // a signalling NaN keeps its bits
        let args = [ResultValue::F32(nan), ResultValue::F64(1.5f64.to_bits()), ResultValue::V128(u128::MAX - 7)];
        let (_, results) = rig.run("both", &args);
        assert_eq!(results, args.into_iter().rev().collect::<Vec<_>>());
    }
}

on_each_engine! {
    fn what_does_not_fit_is_refused_before_anything_runs(engine) {
        let rig = Rig::on(engine, MODULE, &[]);
        let check = |name: &str, args: &[ResultValue], reason: RejectReason, words: &str| {
            let rejection = Call::values(&rig.module, name, args.to_vec()).expect_err(name);
            assert_eq!(rejection.reason, reason, "{name}");
            assert!(rejection.message.contains(words), "{}", rejection.message);
        };
        check("add", &[], RejectReason::Policy, "`add` takes 2 arguments, 0 were given");
        let swapped = [ResultValue::I64(1), ResultValue::I32(1)];
        check("add", &swapped, RejectReason::Policy, "argument 1 of `add` is of type i64, not i32");
        check("ad", &[], RejectReason::NotFound, "the module exports no function `ad`");
        check("memory", &[], RejectReason::NotFound, "the module exports no function `memory`");
        check("takes", &[], RejectReason::NotFound, "`takes` has a value of type externref");
        check("gives", &[], RejectReason::NotFound, "`gives` has a value of type funcref");
    }
}

on_each_engine! {
    fn a_function_is_looked_up_once(engine) {
        let rig = Rig::on(engine, MODULE, &[]);
        let add = Function::find(&rig.module, "add").expect("exported");
        assert_eq!((add.name(), add.ty().to_string().as_str()), ("add", "(i32, i64) -> i64"));
        for i in 0..3 {
            let call = add.call(vec![ResultValue::I32(i), ResultValue::I64(40)]).expect("fits");
            let ended = rig.guest(HostSpec::default(), call).end();
            assert_eq!(ended, Ended::Returned(vec![ResultValue::I64(40 + i64::from(i))]));
        }
    }
}

on_each_engine! {
    fn a_call_is_of_one_module(engine) {
        let (one, other) =
            (Rig::on(engine, MODULE, &[]), Rig::on(engine, r#"(module (func (export "add") (param i32 i64) (result i64) unreachable))"#, &[]));
        let call = one.call("add", &[ResultValue::I32(1), ResultValue::I64(1)]);
        let ended = other.guest(HostSpec::default(), call.clone()).end();
        assert!(matches!(&ended, Ended::Refused(rejection) if rejection.message.contains("another module")), "{ended:?}");
        let mut kept = other.kept();
        assert!(matches!(kept.call(call), Ended::Refused(_)));
        assert!(kept.is_kept(), "nothing ran");
    }
}
