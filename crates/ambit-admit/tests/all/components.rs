//! Components: imports, exports, entries.

use std::sync::Arc;

use ambit_admit::{AdmitRules, Entry, Export, ExternType, InterfaceFunction, ModuleKind, known_interfaces};
use ambit_core::{ComponentFuncType, ComponentType, Feature, ImportPolicy, ImportRule, RejectReason};

use crate::check::{accept, allowing, limited, refuse, rules};

fn importing(name: &str) -> String {
    format!(r#"(component (import "{name}" (instance (export "f" (func)))))"#)
}

fn denied(module: &str, part: &str) {
    refuse(module, &rules(), RejectReason::ImportDenied, part);
}

#[test]
fn known_interfaces_are_admitted_in_any_version_0_2() {
    for (package, names) in known_interfaces() {
        for name in *names {
            for version in ["0.2.0", "0.2.6", "0.2.12"] {
                let verified = accept(importing(&format!("{package}/{name}@{version}")), &rules());
                assert_eq!(verified.imports()[0].module, format!("{package}/{name}@{version}"));
                assert_eq!(verified.imports()[0].name, "f");
            }
        }
    }
}

#[test]
fn other_imports_are_denied() {
    denied(&importing("wasi:http/outgoing-handler@0.2.0"), "`wasi:http` is not provided by this version");
    denied(&importing("wasi:keyvalue/store@0.2.0"), "`wasi:keyvalue` is not provided");
    denied(&importing("wasi:config/store@0.2.0"), "`wasi:config` is not provided");
    denied(&importing("wasi:filesytem/types@0.2.0"), "did you mean `wasi:filesystem`?");
    denied(&importing("wasi:io/stream@0.2.0"), "there is no interface `stream`; did you mean `streams`?");
    denied(&importing("evil:pkg/api@1.0.0"), "there is no package `evil:pkg`");
    denied(&importing("wasi:io/streams@0.2.0-rc-2023-11-10"), "it names version 0.2.0-rc-2023-11-10, and what is provided is 0.2");
    denied(&importing("wasi:io/streams@0.1.0"), "it names version 0.1.0");
    denied(&importing("wasi:io/streams"), "it names no version");
    denied(&importing("plain-name"), "it is no interface of a known package");
    denied(r#"(component (import "f" (func)))"#, "it is a function by itself");
    denied(r#"(component (import "m" (core module)))"#, "it is a module by itself");
    denied(r#"(component (import "c" (component)))"#, "it is a component by itself");
    denied(r#"(component (import "t" (type (sub resource))))"#, "it is a resource by itself");
    denied(r#"(component (import "a:b/c" (instance (export "r" (type (sub resource))))))"#, "no package `a:b`");
}

#[test]
fn interfaces_of_the_embedder_are_imported_as_they_are() {
    let price = |withheld: Option<&str>| {
        let ty = ComponentFuncType { params: vec![("item".into(), ComponentType::String)], result: Some(ComponentType::U64) };
        InterfaceFunction {
            interface: "acme:shop/prices@1.0.0".into(),
            name: "price".into(),
            ty: Arc::new(ty),
            withheld: withheld.map(Into::into),
        }
    };
    let rules = |withheld| AdmitRules { interface_functions: vec![price(withheld)], ..rules() };
    let importing = |interface: &str, items: &str| format!(r#"(component (import "{interface}" (instance {items})))"#);
    let name = "acme:shop/prices@1.0.0";
    let func = |ty: &str| format!(r#"(export "price" (func {ty}))"#);
    let right = importing(name, &func(r#"(param "item" string) (result u64)"#));
    accept(&right, &rules(None));
    let check = |text: &str, rules: &AdmitRules, expect: &str| {
        refuse(text, rules, RejectReason::ImportDenied, expect);
    };
    check(&right, &rules(Some("prices")), "it needs the grant `prices`, which is not given");
    for wrong in [r#"(param "item" string)"#, r#"(param "thing" string) (result u64)"#, r#"(param "item" string) (result s64)"#] {
        check(&importing(name, &func(wrong)), &rules(None), "but the function is func(item: string) -> u64");
    }
    let resource = r#"(export "r" (type $r (sub resource))) (export "price" (func (param "item" (own $r)) (result u64)))"#;
    check(&importing(name, resource), &rules(None), "it is a resource, and this interface has functions only");
    check(&importing(name, r#"(export "prise" (func))"#), &rules(None), "did you mean `price`?");
    check(&importing("acme:shop/prices@2.0.0", &func("")), &rules(None), "did you mean `acme:shop/prices@1.0.0`?");
    check(&importing("acme:depot/prices", &func("")), &rules(None), "there is no package `acme:depot`");
}

#[test]
fn types_need_no_provider() {
    let module = r#"(component
        (type $r (record (field "a" u8)))
        (import "my-type" (type (eq $r)))
        (import "evil:pkg/types@1.0.0" (instance (export "t" (type (eq $r))))))"#;
    let verified = accept(module, &rules());
    assert_eq!(verified.imports()[1].ty, ExternType::Instance);
}

#[test]
fn preview_3_is_a_matter_of_a_feature_and_then_of_a_version() {
    let module = importing("wasi:cli/stdout@0.3.0");
    refuse(&module, &rules(), RejectReason::UnsupportedFeature, "`component-async`");
    refuse(&module, &allowing(Feature::ComponentAsync), RejectReason::ImportDenied, "WASI 0.3 is not provided by this version");
}

#[test]
fn the_policy_decides_among_what_is_known() {
    let mut rules = rules();
    rules.imports = ImportPolicy { allow: vec![ImportRule::Package("wasi:io".into())] };
    accept(importing("wasi:io/poll@0.2.1"), &rules);
    refuse(importing("wasi:sockets/tcp@0.2.1"), &rules, RejectReason::ImportDenied, "the policy does not allow it");
}

#[test]
fn functions_of_an_interface_are_counted_as_imports() {
    let functions: String = (0..20).map(|i| format!(r#"(export "f{i}" (func))"#)).collect();
    let module = format!(r#"(component (import "wasi:io/poll@0.2.0" (instance {functions})))"#);
    let verified = accept(&module, &rules());
    assert_eq!(verified.imports().len(), 20);
    refuse(&module, &limited(ambit_core::ShapeKey::Imports, 19), RejectReason::InvalidModule, "20 imports");
}

#[test]
fn a_command_is_known_by_its_interface() {
    let verified = accept(include_str!("seeds/component.wat"), &rules());
    assert_eq!(verified.kind(), ModuleKind::Component);
    assert_eq!(verified.entries(), [Entry::Run("wasi:cli/run@0.2.6".into())]);
    assert!(verified.is_command());
    let shown: Vec<String> = verified.exports().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["point: type", "colour: type", "wasi:cli/run@0.2.6 run: func() -> result", "measure: func(p: record) -> enum"]
    );
    let shown: Vec<String> = verified.imports().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "wasi:filesystem/types@0.2.6 error: resource",
            "wasi:filesystem/types@0.2.6 open: func(path: string, flags: list<u8>) -> result<u32, own>"
        ]
    );
    assert_eq!((verified.code().nested_modules, verified.code().nested_components), (2, 1));
    assert_eq!(verified.memories().len(), 1);
}

#[test]
fn every_kind_of_type_is_read() {
    let verified = accept(include_str!("seeds/types.wat"), &allowing(Feature::ComponentAsync));
    assert!(verified.features().contains(Feature::ComponentAsync) && verified.features().contains(Feature::MutableGlobal));
    assert_eq!(verified.exports()[0].ty, ExternType::Resource);
    refuse(include_str!("seeds/types.wat"), &rules(), RejectReason::UnsupportedFeature, "`component-async`");
}

#[test]
fn an_async_function_needs_the_feature() {
    for module in [
        r#"(component (type (func async)))"#,
        r#"(component (core func (canon waitable-set.new)))"#,
        r#"(component (type (future)))"#,
        r#"(component (core func (canon backpressure.inc)))"#,
    ] {
        refuse(module, &rules(), RejectReason::UnsupportedFeature, "`--feature component-async`");
        assert!(accept(module, &allowing(Feature::ComponentAsync)).features().contains(Feature::ComponentAsync));
    }
}

#[test]
fn the_type_of_a_function_is_kept_once_for_all_its_exports() {
    let exports: String = (0..100).map(|export| format!(r#"(export "f{export}" (func $f))"#)).collect();
    let text = format!(
        r#"(component
            (core module $m (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            (func $f (param "x" u8) (canon lift (core func $i "f")))
            {exports})"#
    );
    let verified = accept(text, &rules());
    let ty = |export: &Export| match &export.ty {
        ExternType::ComponentFunc(function) => function.ty.clone().expect("callable"),
        other => panic!("{other}"),
    };
    let types: Vec<_> = verified.exports().iter().map(ty).collect();
    assert_eq!(types.len(), 100);
    assert!(types.iter().all(|ty| Arc::ptr_eq(ty, &types[0])));
}
