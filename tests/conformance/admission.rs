//! Every module of the suite goes through admission too.

use ambit_admit::{AdmitRules, HostFunction, admit};
use ambit_core::{Bound, FeatureSet, ImportPolicy, RejectReason, ShapeLimits};
use wasmtime::{ExternType, Module};

use crate::spectest;

/// The most permissive rules there are with these features: what is refused under them is refused for what it is.
pub(crate) fn rules(features: FeatureSet) -> AdmitRules {
    AdmitRules {
        module_size: Bound::Unlimited,
        shape: ShapeLimits::unlimited(),
        features,
        imports: ImportPolicy::standard(),
        host_functions: spectest::host_functions(),
        interface_functions: Vec::new(),
    }
}

/// What became of a valid module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Admitted,
    /// Valid, but with imports that no guest can have: other modules, or anything but functions.
    ImportDenied,
}

/// That a valid module, which the engine has compiled, is admitted.
pub(crate) fn takes(bytes: &[u8], module: &Module, rules: &AdmitRules) -> Result<Taken, String> {
    let rejection = match admit(bytes, rules) {
        Ok(verified) => {
            let imports = module.imports().len();
            let seen = verified.imports().len();
            return if seen == imports { Ok(Taken::Admitted) } else { Err(format!("{seen} of {imports} imports were seen")) };
        }
        Err(rejection) => rejection,
    };
    // Imports are looked at last, so this is also a verdict that all the rest is valid.
    if rejection.reason == RejectReason::ImportDenied && module.imports().any(|import| !is_known(&import, &rules.host_functions)) {
        return Ok(Taken::ImportDenied);
    }
    Err(format!("admission refuses a valid module: {rejection}"))
}

/// That an invalid module is not admitted.
pub(crate) fn refuses(bytes: &[u8], rules: &AdmitRules) -> Result<(), String> {
    match admit(bytes, rules) {
        Err(rejection) if rejection.reason == RejectReason::ImportDenied => Err("admission refuses only its imports".into()),
        Err(_) => Ok(()),
        Ok(verified) => Err(format!("admission takes an invalid {}", verified.kind())),
    }
}

fn is_known(import: &wasmtime::ImportType<'_>, functions: &[HostFunction]) -> bool {
    let ExternType::Func(ty) = import.ty() else { return false };
    functions.iter().any(|function| {
        let same = |ours: &[ambit_admit::ValType], theirs: &mut dyn ExactSizeIterator<Item = wasmtime::ValType>| {
            ours.len() == theirs.len() && theirs.zip(ours).all(|(theirs, ours)| theirs.to_string() == ours.to_string())
        };
        function.module == import.module()
            && function.name == import.name()
            && same(&function.params, &mut ty.params())
            && same(&function.results, &mut ty.results())
    })
}
