//! A function that a component exports, to be called from outside.

use std::sync::Arc;

use ambit_core::{
    ComponentFuncType, ComponentType, ComponentValue, Digest, Mismatch, RejectReason, Rejection, UnknownName, escape,
};

use crate::{
    types::ExternType,
    verified::{Export, ModuleKind, Verified},
};

/// A function that a component exports, looked up once: by itself, or as one of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentFunction {
    module: Digest,
    interface: Option<Arc<str>>,
    name: Arc<str>,
    ty: Arc<ComponentFuncType>,
    /// See [`ComponentType::flags_excess`], of what it returns.
    flags_excess: u64,
}

impl ComponentFunction {
    /// The function that `module` exports under a name: its own; or that of an interface, if there is only one of that name, or if
    /// the interface is named before it, as in `wasi:cli/run@0.2.6#run`.
    ///
    /// # Errors
    /// There is no such function or more than one, the module is no component, or the function takes or returns what means
    /// something within the component only: a resource, a stream, a future.
    pub fn find(module: &Verified, name: &str) -> Result<Self, Rejection> {
        if module.kind() != ModuleKind::Component {
            return Err(not_found("it is a core module, whose functions take and give numbers"));
        }
        let (interface, bare) = match name.rsplit_once('#') {
            Some((interface, bare)) => (Some(interface), bare),
            None => (None, name),
        };
        let functions = || module.exports().iter().filter(|export| matches!(export.ty, ExternType::ComponentFunc(_)));
        let all_named: Vec<&Export> = functions().filter(|export| export.name == bare).collect();
        let own = all_named.iter().find(|export| export.interface.is_none());
        let found = match (interface, own, all_named.as_slice()) {
            (Some(interface), ..) => all_named.iter().find(|export| export.interface.as_deref() == Some(interface)).copied(),
            (None, Some(own), _) => Some(*own),
            (None, None, [only]) => Some(*only),
            (None, None, []) => None,
            (None, None, several) => {
                let names: Vec<String> = several.iter().map(|export| full_name(export)).collect();
                let message = format!("several functions are called `{}`: name one of {}", escape(bare, 128), names.join(", "));
                return Err(not_found(message));
            }
        };
        let Some(export) = found else {
            let names: Vec<String> = functions().map(full_name).collect();
            if names.is_empty() {
                return Err(not_found("the component exports no functions"));
            }
            return Err(not_found(UnknownName::new("exported function", name, names.iter().map(String::as_str)).to_string()));
        };
        let ExternType::ComponentFunc(function) = &export.ty else { return Err(not_found("it is no function")) };
        let ty = function.ty.clone().map_err(|why| {
            let name = full_name(export);
            not_found(format!("`{name}` cannot be called from outside: {why}"))
        })?;
        let interface = export.interface.as_deref().map(Arc::from);
        let flags_excess = ty.result.as_ref().map_or(1, ComponentType::flags_excess);
        Ok(Self { module: module.digest(), interface, name: export.name.as_str().into(), ty, flags_excess })
    }

    /// The function that a call names, as [`component_call`] reads it.
    ///
    /// # Errors
    /// As [`ComponentFunction::find`].
    pub fn find_called(module: &Verified, call: &str) -> Result<Self, Rejection> {
        Self::find(module, split(call).0)
    }

    /// The component.
    pub fn module(&self) -> Digest {
        self.module
    }

    /// The interface that it is part of, if it is.
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// Its name, as the component has it: escape it before it is shown.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it takes and returns.
    pub fn ty(&self) -> &ComponentFuncType {
        &self.ty
    }

    /// How many times as much memory what it returns may take as is charged where of flags only the letters of their names are.
    pub fn flags_excess(&self) -> u64 {
        self.flags_excess
    }

    /// Checks arguments against its type.
    ///
    /// # Errors
    /// They do not fit; says where.
    pub fn check(&self, args: &[ComponentValue]) -> Result<(), Rejection> {
        ComponentValue::check_args(args, &self.ty.params).map_err(|mismatch| self.misfit(&mismatch))
    }

    /// What is said of arguments that do not fit.
    pub fn misfit(&self, mismatch: &Mismatch) -> Rejection {
        let message = format!("the arguments of `{}` do not fit: {mismatch}", escape(&*self.name, 128));
        Rejection::new(RejectReason::Policy, message)
    }
}

/// A call of a component's function as people write it: a name and arguments, `greet("Ada", 2)`; or a name by itself, and each
/// argument as a text of its own. Arguments are written in WAVE.
///
/// # Errors
/// As [`ComponentFunction::find`]; or the arguments do not fit.
pub fn component_call(
    module: &Verified,
    call: &str,
    args: &[String],
) -> Result<(ComponentFunction, Vec<ComponentValue>), Rejection> {
    let (name, list) = split(call);
    if list.is_some() && !args.is_empty() {
        let message = "arguments are given twice: in parentheses, and one by one";
        return Err(Rejection::new(RejectReason::Policy, message));
    }
    let function = ComponentFunction::find(module, name)?;
    let params = &function.ty.params;
    let args = match list {
        Some(list) => ComponentValue::parse_args(list, params),
        None => ComponentValue::parse_each_arg(args, params),
    };
    let args = args.map_err(|mismatch| function.misfit(&mismatch))?;
    Ok((function, args))
}

/// The name in a call, and what follows it in parentheses.
fn split(call: &str) -> (&str, Option<&str>) {
    match call.find('(') {
        Some(at) => (call[..at].trim(), Some(&call[at..])),
        None => (call.trim(), None),
    }
}

fn full_name(export: &Export) -> String {
    let name = escape(&export.name, 128);
    match &export.interface {
        Some(interface) => format!("{}#{name}", escape(interface, 128)),
        None => name,
    }
}

fn not_found(message: impl Into<String>) -> Rejection {
    Rejection::new(RejectReason::NotFound, message)
}
