//! What to call in a module.

use ambit_admit::{Entry, ExternType, FuncType, ModuleKind, ValType, Verified};
use ambit_core::{RejectReason, Rejection, ResultValue, escape};

/// What to call in a module, already checked against its exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Call `_initialize` first.
    pub(crate) initialize: bool,
    pub(crate) target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A core function, by name, with arguments of its types.
    Function { name: String, args: Vec<ResultValue>, result_is_exit_code: bool },
    /// `run` of the exported interface `wasi:cli/run`.
    ComponentRun,
}

impl Call {
    /// Runs the module as a program: `_start`; or `main`, whose result is then the exit code; or `wasi:cli/run`.
    ///
    /// # Errors
    /// The module exports none of them.
    pub fn command(module: &Verified) -> Result<Self, Rejection> {
        let Some(entry) = module.entries().iter().find(|entry| **entry != Entry::Initialize) else {
            return Err(not_found(match module.kind() {
                ModuleKind::Core => format!("the module exports neither `_start` nor `main`; {}", callable(module)),
                ModuleKind::Component => "the component does not export `wasi:cli/run@0.2`, so it is no program".into(),
            }));
        };
        let initialize = module.entries().contains(&Entry::Initialize);
        Ok(match entry {
            Entry::Start | Entry::Initialize => Self { initialize: false, target: Target::function("_start", Vec::new(), false) },
            Entry::Main => {
                let ty = find(module, "main").ok_or_else(|| not_found("`main` is no function"))?;
                // C's main: no arguments are laid out in memory for it, so argc is 0.
                let args = vec![ResultValue::I32(0); ty.params.len()];
                Self { initialize, target: Target::function("main", args, ty.results.len() == 1) }
            }
            Entry::Run(_) => Self { initialize: false, target: Target::ComponentRun },
        })
    }

    /// Calls one exported function with arguments given as text, after `_initialize` if there is one.
    ///
    /// # Errors
    /// There is no such function, its types are no numbers, or the arguments do not fit them.
    pub fn invoke(module: &Verified, name: &str, args: &[String]) -> Result<Self, Rejection> {
        let shown = escape(name, 128);
        if module.kind() == ModuleKind::Component {
            return Err(not_found("functions of components cannot be called by name in this version; run it as a program"));
        }
        let Some(FuncType { params, results }) = find(module, name) else {
            return Err(not_found(format!("the module exports no function `{shown}`; {}", callable(module))));
        };
        if let Some(reference) = params.iter().chain(results).find(|ty| matches!(ty, ValType::Ref(_))) {
            return Err(not_found(format!("`{shown}` has a value of type {reference}, which cannot be passed from outside")));
        }
        if params.len() != args.len() {
            let takes = if params.len() == 1 { "argument" } else { "arguments" };
            let given = if args.len() == 1 { "was" } else { "were" };
            return Err(policy(format!("`{shown}` takes {} {takes}, {} {given} given", params.len(), args.len())));
        }
        let args = params
            .iter()
            .zip(args)
            .enumerate()
            .map(|(i, (ty, text))| {
                parse(ty, text).ok_or_else(|| {
                    policy(format!("argument {} of `{shown}`: `{}` is not a value of type {ty}", i + 1, escape(text, 64)))
                })
            })
            .collect::<Result<_, _>>()?;
        let initialize = name != "_initialize" && find(module, "_initialize").is_some();
        Ok(Self { initialize, target: Target::function(name, args, false) })
    }
}

impl Call {
    /// The core function to call and its arguments; `None` for a component.
    pub fn function(&self) -> Option<(&str, &[ResultValue])> {
        match &self.target {
            Target::Function { name, args, .. } => Some((name, args)),
            Target::ComponentRun => None,
        }
    }

    /// Whether `_initialize` is to be called first.
    pub fn initializes(&self) -> bool {
        self.initialize
    }
}

impl Target {
    fn function(name: &str, args: Vec<ResultValue>, result_is_exit_code: bool) -> Self {
        Target::Function { name: name.to_owned(), args, result_is_exit_code }
    }
}

fn find<'a>(module: &'a Verified, name: &str) -> Option<&'a FuncType> {
    match &module.export(name)?.ty {
        ExternType::Func(ty) => Some(ty),
        _ => None,
    }
}

fn callable(module: &Verified) -> String {
    let functions = module.exports().iter().filter(|export| matches!(export.ty, ExternType::Func(_)));
    let names: Vec<String> = functions.take(8).map(|export| escape(&export.name, 64)).collect();
    if names.is_empty() {
        "it exports no functions at all".into()
    } else {
        format!("name a function with --invoke: {}", names.join(", "))
    }
}

/// Numbers as people write them: decimal or 0x for integers, signed or unsigned.
fn parse(ty: &ValType, text: &str) -> Option<ResultValue> {
    let integer = || {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let magnitude = match digits.strip_prefix("0x") {
            Some(hex) => u128::from_str_radix(hex, 16).ok()?,
            None => digits.parse::<u128>().ok()?,
        };
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(if negative { -magnitude } else { magnitude })
    };
    match ty {
        ValType::I32 => {
            let value = integer()?;
            i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed)).map(ResultValue::I32)
        }
        ValType::I64 => {
            let value = integer()?;
            i64::try_from(value).ok().or_else(|| u64::try_from(value).ok().map(u64::cast_signed)).map(ResultValue::I64)
        }
        ValType::F32 => text.parse::<f32>().ok().map(|value| ResultValue::F32(value.to_bits())),
        ValType::F64 => text.parse::<f64>().ok().map(|value| ResultValue::F64(value.to_bits())),
        ValType::V128 => {
            let hex = text.strip_prefix("0x")?;
            u128::from_str_radix(hex, 16).ok().map(ResultValue::V128)
        }
        ValType::Ref(_) => None,
    }
}

fn not_found(message: impl Into<String>) -> Rejection {
    Rejection::new(RejectReason::NotFound, message)
}

fn policy(message: impl Into<String>) -> Rejection {
    Rejection::new(RejectReason::Policy, message)
}
