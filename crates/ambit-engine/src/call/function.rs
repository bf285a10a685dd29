//! An exported function, looked up once.

use std::sync::Arc;

use ambit_admit::{FuncType, ModuleKind, ValType, Verified};
use ambit_core::{Digest, Rejection, ResultValue, escape};

use super::{Call, Target, callable, find, initializes, not_found, policy};

/// A function that a core module exports, looked up once and called as often as one likes: [`Function::call`] copies no
/// name and looks nothing up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    module: Digest,
    name: Arc<str>,
    ty: Arc<FuncType>,
    initialize: bool,
}

impl Function {
    /// The function that `module` exports as `name`.
    ///
    /// # Errors
    /// There is no such function, its module is a component, or one of its types is a reference, which cannot be passed
    /// from outside.
    pub fn find(module: &Verified, name: impl AsRef<str> + Into<Arc<str>>) -> Result<Self, Rejection> {
        let shown = || escape(name.as_ref(), 128);
        if module.kind() == ModuleKind::Component {
            return Err(not_found("it is a component, whose functions take and return values of other types than numbers alone"));
        }
        let Some(ty) = find(module, name.as_ref()) else {
            return Err(not_found(format!("the module exports no function `{}`; {}", shown(), callable(module))));
        };
        if let Some(reference) = ty.params.iter().chain(&ty.results).find(|ty| matches!(ty, ValType::Ref(_))) {
            return Err(not_found(format!("`{}` has a value of type {reference}, which cannot be passed from outside", shown())));
        }
        let initialize = name.as_ref() != "_initialize" && initializes(module);
        Ok(Self { module: module.digest(), name: name.into(), ty: Arc::new(ty.clone()), initialize })
    }

    /// Its name, as the module has it: escape it before it is shown.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it takes and gives: numbers and vectors.
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// A call of it with these arguments, after `_initialize` if the module has that.
    ///
    /// # Errors
    /// The arguments are not of its types.
    pub fn call(&self, args: Vec<ResultValue>) -> Result<Call, Rejection> {
        let params = &self.ty.params;
        if params.len() != args.len() {
            return Err(policy(format!(
                "`{}` takes {} arguments, {} were given",
                escape(&*self.name, 128),
                params.len(),
                args.len()
            )));
        }
        if let Some(at) = params.iter().zip(&args).position(|(param, &arg)| *param != ValType::from(arg)) {
            let (given, wanted) = (ValType::from(args[at]), &params[at]);
            let name = escape(&*self.name, 128);
            return Err(policy(format!("argument {} of `{name}` is of type {given}, not {wanted}", at + 1)));
        }
        let target =
            Target::Function { name: Arc::clone(&self.name), args, results: self.ty.results.len(), result_is_exit_code: false };
        Ok(Call { module: self.module, initialize: self.initialize, target })
    }
}
