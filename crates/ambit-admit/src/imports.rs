//! Whether what a module imports is known, of the right type, and allowed.

use ambit_core::{Feature, FeatureSet, RejectReason, Rejection, UnknownName, escape, escape_shown};

use crate::{
    features,
    interface::Interface,
    known,
    rules::AdmitRules,
    types::{ExternType, FuncType},
    verified::{Import, ModuleKind},
};

/// Checks every import, in order.
pub(crate) fn check(kind: ModuleKind, imports: &[Import], rules: &AdmitRules) -> Result<(), Rejection> {
    imports.iter().try_for_each(|import| match kind {
        ModuleKind::Core => core(import, rules),
        ModuleKind::Component => component(import, rules),
    })
}

fn denied(import: &Import, why: impl std::fmt::Display) -> Rejection {
    let parts: Vec<String> = [&import.module, &import.name]
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| format!("`{}`", escape(part, 128)))
        .collect();
    Rejection::new(RejectReason::ImportDenied, format!("the module imports {}: {why}", parts.join(" ")))
}

fn core(import: &Import, rules: &AdmitRules) -> Result<(), Rejection> {
    let (module, name) = (import.module.as_str(), import.name.as_str());
    let found = match &import.ty {
        ExternType::Func(found) => found,
        other => return Err(denied(import, format_args!("it is a {}, and only functions can be imported", kind_word(other)))),
    };
    let by_embedder = rules.host_functions.iter().find(|f| f.module == module && f.name == name);
    let known = by_embedder.map(|f| (f.params.clone(), f.results.clone())).or_else(|| known::function(module, name));
    let Some((params, results)) = known else { return Err(denied(import, unknown(module, name, rules))) };
    let expected = FuncType { params, results };
    if *found != expected {
        return Err(denied(import, format_args!("its type is {found} there, but the function is {expected}")));
    }
    if let Some(grant) = by_embedder.and_then(|f| f.withheld.as_ref()) {
        let grant = escape(grant, 128);
        return Err(denied(import, format_args!("it needs the grant `{grant}`, which is not given; name it in `functions`")));
    }
    if by_embedder.is_none() && !rules.imports.allows_core(module, name) {
        return Err(denied(import, "the policy does not allow it"));
    }
    Ok(())
}

fn unknown(module: &str, name: &str, rules: &AdmitRules) -> String {
    if known::NEVER.contains(&(module, name)) {
        return "it is never provided: a guest has no signals".into();
    }
    let mut names: Vec<&str> = known::function_names(module).into_iter().flatten().collect();
    names.extend(rules.host_functions.iter().filter(|f| f.module == module).map(|f| f.name.as_str()));
    if names.is_empty() {
        let mut modules: Vec<&str> = known::module_names().collect();
        modules.extend(rules.host_functions.iter().map(|f| f.module.as_str()));
        return UnknownName::new("import module", module, modules.into_iter()).to_string();
    }
    UnknownName::new("function", name, names.into_iter()).to_string()
}

fn component(import: &Import, rules: &AdmitRules) -> Result<(), Rejection> {
    match &import.ty {
        // Nothing has to be provided for these: their types stand in the component itself.
        ExternType::Instance | ExternType::Type => return Ok(()),
        ExternType::ComponentFunc(_) | ExternType::Resource if !import.module.is_empty() => {}
        other => {
            let what = kind_word(other);
            return Err(denied(
                import,
                format_args!("it is a {what} by itself, and only interfaces of known packages can be imported"),
            ));
        }
    }
    if rules.interface_functions.iter().any(|function| function.interface == import.module) {
        return by_embedder(import, rules);
    }
    let Some(interface) = Interface::parse(&import.module) else {
        return Err(denied(import, "it is no interface of a known package"));
    };
    if known::NOT_PROVIDED.contains(&interface.package) {
        return Err(denied(import, format_args!("`{}` is not provided by this version", interface.package)));
    }
    let Some((_, names)) = known::known_interfaces().iter().find(|(package, _)| *package == interface.package) else {
        let own = rules.interface_functions.iter().map(|function| function.interface.as_str());
        if own.clone().any(|own| Interface::parse(own).is_some_and(|own| own.package == interface.package)) {
            return Err(denied(import, UnknownName::new("interface", &import.module, own)));
        }
        let packages = known::known_interfaces().iter().map(|(package, _)| *package).chain(own);
        return Err(denied(import, UnknownName::new("package", interface.package, packages)));
    };
    if interface.is_preview3() {
        return Err(preview3(import, rules));
    }
    if !interface.is_preview2() {
        let version = interface.version.map_or("no version".into(), |version| format!("version {}", escape(version, 32)));
        return Err(denied(import, format_args!("it names {version}, and what is provided is 0.2")));
    }
    if !names.contains(&interface.name) {
        return Err(denied(import, UnknownName::new("interface", interface.name, names.iter().copied())));
    }
    if !rules.imports.allows_interface(&import.module) {
        return Err(denied(import, "the policy does not allow it"));
    }
    Ok(())
}

/// An import from an interface of the embedder's.
fn by_embedder(import: &Import, rules: &AdmitRules) -> Result<(), Rejection> {
    let ExternType::ComponentFunc(found) = &import.ty else {
        return Err(denied(import, format_args!("it is a {}, and this interface has functions only", kind_word(&import.ty))));
    };
    let mut all = rules.interface_functions.iter().filter(|function| function.interface == import.module);
    let Some(function) = all.clone().find(|function| function.name == import.name) else {
        return Err(denied(
            import,
            UnknownName::new("function", &import.name, all.by_ref().map(|function| function.name.as_str())),
        ));
    };
    if found.ty.as_ref() != Ok(&function.ty) {
        let there = match &found.ty {
            Ok(ty) => escape_shown(ty, 400),
            Err(why) => escape(format!("{}, and {why}", found.text), 400),
        };
        let here = escape_shown(&function.ty, 400);
        return Err(denied(import, format_args!("its type is {there} there, but the function is {here}")));
    }
    match &function.withheld {
        None => Ok(()),
        Some(grant) => {
            let grant = escape(grant, 128);
            Err(denied(import, format_args!("it needs the grant `{grant}`, which is not given; name it in `functions`")))
        }
    }
}

/// The interfaces of WASI 0.3 are those of 0.2 with async functions and streams, so the feature is what is missing first.
fn preview3(import: &Import, rules: &AdmitRules) -> Rejection {
    if rules.features.contains(Feature::ComponentAsync) {
        return denied(import, "WASI 0.3 is not provided by this version, 0.2 is");
    }
    features::refuse_missing(FeatureSet::EMPTY.with(Feature::ComponentAsync))
}

fn kind_word(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) | ExternType::ComponentFunc(_) => "function",
        ExternType::Memory(_) => "memory",
        ExternType::Table(_) => "table",
        ExternType::Global { .. } => "global",
        ExternType::Tag(_) => "tag",
        ExternType::Resource => "resource",
        ExternType::Instance => "interface",
        ExternType::Module => "module",
        ExternType::Component => "component",
        ExternType::Type => "type",
        ExternType::Value => "value",
    }
}
