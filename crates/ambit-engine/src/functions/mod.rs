//! Host functions of the embedder's.

mod call;
mod component;
mod error;

use std::{collections::BTreeSet, fmt, future::Future, pin::Pin, sync::Arc};

use ambit_admit::{FuncType, HostFunction, ValType};
use ambit_core::{Grants, RejectReason, Rejection, ResultValue, UnknownName, escape};

pub(crate) use call::Access;
pub use call::HostCall;
pub use component::ComponentFuture;
pub(crate) use component::InterfaceMember;
pub use error::{HostError, ImportName, RegisterError};

/// How often a guest may be inside itself: the call that the host made first, and those that host functions made from it.
/// Each has a stack of its own.
pub const MOST_DEPTH: u32 = 64;

/// What an asynchronous host function gives: its results, some time.
pub type HostFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<ResultValue>, HostError>> + Send + 'a>>;

type Now = dyn Fn(&mut HostCall<'_>, &[ResultValue]) -> Result<Vec<ResultValue>, HostError> + Send + Sync;
type Later = dyn for<'a> Fn(HostCall<'a>, &'a [ResultValue]) -> HostFuture<'a> + Send + Sync;

/// Functions that an embedder offers to core modules, besides WASI and `env`, and interfaces that it offers to components.
///
/// Each function has a name, a type and a grant. A module that imports one is admitted only under a policy that names its grant in
/// [`Grants::functions`]: [`HostFunctions::admitted`] tells admission. An engine is given all of them when it is made, checks
/// the grants once more before a guest begins, and counts every call of a core module's as a host call.
///
/// What a function gives is checked against its type: one that gives something else loses the run, as any failure of the
/// host's does. So does a panic, as far as the scheduler catches it.
///
/// ```
/// use ambit_admit::{FuncType, ValType};
/// use ambit_core::ResultValue;
/// use ambit_engine::{HostError, HostFunctions};
///
/// let mut functions = HostFunctions::new();
/// let ty = FuncType { params: vec![ValType::I32, ValType::I32], results: vec![ValType::I32] };
/// functions.add(("app", "shout"), ty, "shout", |call, args| {
///     let [ResultValue::I32(ptr), ResultValue::I32(len)] = args else { return Err(HostError::new("two numbers")) };
///     let (ptr, len) = (u64::from(ptr.cast_unsigned()), u64::from(len.cast_unsigned()));
///     let text = call.memory_read(ptr, len)?;
///     call.memory_write(ptr, &text.to_ascii_uppercase())?;
///     Ok(vec![ResultValue::I32(0)])
/// })?;
/// # Ok::<(), ambit_engine::RegisterError>(())
/// ```
#[derive(Clone, Default)]
pub struct HostFunctions {
    all: Vec<Arc<Registered>>,
    /// Of components' interfaces.
    members: Vec<Arc<InterfaceMember>>,
}

/// A host function.
pub(crate) struct Registered {
    pub(crate) import: ImportName,
    pub(crate) ty: FuncType,
    pub(crate) grant: String,
    pub(crate) body: Body,
}

#[derive(Clone)]
pub(crate) enum Body {
    Now(Arc<Now>),
    Later(Arc<Later>),
}

impl HostFunctions {
    /// None.
    pub const fn new() -> Self {
        Self { all: Vec::new(), members: Vec::new() }
    }

    /// Adds a function that answers at once. It must not block: while it runs, so does the guest's slice.
    ///
    /// # Errors
    /// There is a function of that module and name already, a type is a reference, or the grant has no name.
    pub fn add(
        &mut self,
        import: (&str, &str),
        ty: FuncType,
        grant: &str,
        body: impl Fn(&mut HostCall<'_>, &[ResultValue]) -> Result<Vec<ResultValue>, HostError> + Send + Sync + 'static,
    ) -> Result<&mut Self, RegisterError> {
        self.register(import, ty, grant, Body::Now(Arc::new(body)))
    }

    /// Adds a function that may wait, and may call the guest's exports. While it waits, others run; when the run ends, at
    /// its deadline for example, what it waits for is dropped. It may not be polled often or at all by then.
    ///
    /// # Errors
    /// As [`HostFunctions::add`].
    pub fn add_async(
        &mut self,
        import: (&str, &str),
        ty: FuncType,
        grant: &str,
        body: impl for<'a> Fn(HostCall<'a>, &'a [ResultValue]) -> HostFuture<'a> + Send + Sync + 'static,
    ) -> Result<&mut Self, RegisterError> {
        self.register(import, ty, grant, Body::Later(Arc::new(body)))
    }

    fn register(
        &mut self,
        (module, name): (&str, &str),
        ty: FuncType,
        grant: &str,
        body: Body,
    ) -> Result<&mut Self, RegisterError> {
        let import = || ImportName { module: module.to_owned(), name: name.to_owned() };
        // Preview 1 has functions besides those that are provided, and they stay what they are.
        let known = ambit_admit::known_functions().iter().any(|known| known.module == module && known.name == name);
        if known || module.starts_with("wasi") {
            return Err(RegisterError::Known(import()));
        }
        if self.find(module, name).is_some() {
            return Err(RegisterError::Twice(import()));
        }
        if let Some(ValType::Ref(reference)) = ty.params.iter().chain(&ty.results).find(|ty| matches!(ty, ValType::Ref(_))) {
            return Err(RegisterError::Reference { import: import(), ty: reference.clone() });
        }
        if grant.is_empty() {
            return Err(RegisterError::NoGrant(import()));
        }
        self.all.push(Arc::new(Registered { import: import(), ty, grant: grant.to_owned(), body }));
        Ok(self)
    }

    /// All of them, as [`AdmitRules::host_functions`](ambit_admit::AdmitRules::host_functions) has them: those that `grants`
    /// do not give are withheld, so that a module that imports one is told which grant it needs.
    ///
    /// # Errors
    /// `grants` name a grant that no function has.
    pub fn admitted(&self, grants: &Grants) -> Result<Vec<HostFunction>, Rejection> {
        self.check(&grants.functions)?;
        let admitted = self.all.iter().map(|function| {
            let Registered { import, ty, grant, body: _ } = &**function;
            let withheld = (!grants.functions.contains(grant)).then(|| grant.clone());
            let FuncType { params, results } = ty.clone();
            HostFunction { module: import.module.clone(), name: import.name.clone(), params, results, withheld }
        });
        Ok(admitted.collect())
    }

    /// Refuses grants that no function has.
    pub(crate) fn check(&self, grants: &[String]) -> Result<(), Rejection> {
        if grants.is_empty() {
            return Ok(());
        }
        let known: BTreeSet<&str> = self.grants().collect();
        let Some(unknown) = grants.iter().find(|grant| !known.contains(grant.as_str())) else { return Ok(()) };
        let message = if known.is_empty() {
            let shown = escape(unknown, 64);
            format!(
                "`functions` grants `{shown}`, but this host has no functions of its own: a program that embeds Ambit adds them"
            )
        } else {
            UnknownName::new("grant of host functions", unknown, known.into_iter()).to_string()
        };
        Err(Rejection::new(RejectReason::NotFound, message))
    }

    /// The grants that there are.
    fn grants(&self) -> impl Iterator<Item = &str> {
        let functions = self.all.iter().map(|function| function.grant.as_str());
        functions.chain(self.members.iter().map(|member| member.grant.as_str()))
    }

    /// The function of that import module and name.
    pub(crate) fn find(&self, module: &str, name: &str) -> Option<&Arc<Registered>> {
        self.all.iter().find(|function| function.import.module == module && function.import.name == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Registered>> {
        self.all.iter()
    }

    /// Whether some of them may call guests.
    pub(crate) fn may_call_back(&self) -> bool {
        self.all.iter().any(|function| matches!(function.body, Body::Later(_)))
    }
}

impl Registered {
    /// Checks what the function gave against its type.
    ///
    /// # Errors
    /// It gave something else; says what.
    pub(crate) fn check(&self, results: &[ResultValue]) -> Result<(), String> {
        let given: Vec<ValType> = results.iter().map(|&value| ValType::from(value)).collect();
        if given == self.ty.results {
            return Ok(());
        }
        let given = FuncType { params: self.ty.params.clone(), results: given };
        Err(format!("the host function {} behaved as {given}, but it is {}", self.import, self.ty))
    }
}

impl fmt::Debug for HostFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions = self.all.iter().map(|function| format!("{}: {}", function.import, function.ty));
        let members = self.members.iter().map(|member| format!("{}: {}", member.import, member.ty));
        f.debug_list().entries(functions.chain(members)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> FuncType {
        FuncType { params: Vec::new(), results: Vec::new() }
    }

    fn add<'a>(
        functions: &'a mut HostFunctions,
        import: (&str, &str),
        grant: &str,
    ) -> Result<&'a mut HostFunctions, RegisterError> {
        functions.add(import, nothing(), grant, |_, _| Ok(Vec::new()))
    }

    #[test]
    fn names_are_free_or_refused() {
        let mut functions = HostFunctions::new();
        let import = |module: &str, name: &str| ImportName { module: module.into(), name: name.into() };
        add(&mut functions, ("env", "callback"), "callback").expect("free");
        let check = |result: Result<&mut HostFunctions, RegisterError>, expect| assert_eq!(result.err(), Some(expect));
        check(add(&mut functions.clone(), ("env", "callback"), "x"), RegisterError::Twice(import("env", "callback")));
        for (module, name) in [
            ("env", "log"),
            ("env", "time"),
            ("env", "random"),
            ("wasi_snapshot_preview1", "fd_write"),
            ("wasi_snapshot_preview1", "proc_raise"),
            ("wasi_snapshot_preview1", "new"),
            ("wasi_unstable", "fd_write"),
        ] {
            check(add(&mut functions.clone(), (module, name), "x"), RegisterError::Known(import(module, name)));
        }
        check(add(&mut functions.clone(), ("a", "b"), ""), RegisterError::NoGrant(import("a", "b")));
        let ty = FuncType { params: vec![ValType::I32, ValType::Ref("externref".into())], results: Vec::new() };
        let result = functions.add_async(("a", "b"), ty, "x", |_, _| Box::pin(async { Ok(Vec::new()) }));
        assert_eq!(result.err(), Some(RegisterError::Reference { import: import("a", "b"), ty: "externref".into() }));
        assert_eq!(format!("{functions:?}"), r#"["`env` `callback`: () -> ()"]"#);
    }

    #[test]
    fn grants_are_known_and_open_their_functions() {
        let mut functions = HostFunctions::new();
        for (name, grant) in [("get", "kv.read"), ("list", "kv.read"), ("set", "kv.write")] {
            add(&mut functions, ("kv", name), grant).expect("free");
        }
        let grants = |names: &[&str]| Grants { functions: names.iter().map(ToString::to_string).collect(), ..Grants::default() };
        let withheld = |names: &[&str]| -> Vec<Option<String>> {
            functions.admitted(&grants(names)).expect("known").into_iter().map(|function| function.withheld).collect()
        };
        let (read, write) = (Some("kv.read".to_owned()), Some("kv.write".to_owned()));
        assert_eq!(withheld(&[]), [read.clone(), read, write.clone()]);
        assert_eq!(withheld(&["kv.read"]), [None, None, write]);
        assert_eq!(withheld(&["kv.write", "kv.read"]), [None, None, None]);
        let rejection = functions.admitted(&grants(&["kv.read", "blobs"])).expect_err("unknown");
        assert_eq!(rejection.reason, RejectReason::NotFound);
        assert_eq!(rejection.message, "there is no grant of host functions `blobs`; known are kv.read, kv.write");
        let rejection = HostFunctions::new().admitted(&grants(&["a\nb"])).expect_err("there are none");
        assert!(rejection.message.starts_with("`functions` grants `a\\nb`, but this host has no functions"), "{rejection}");
    }

    #[test]
    fn results_are_checked_against_the_type() {
        let mut functions = HostFunctions::new();
        let ty = FuncType { params: vec![ValType::I32], results: vec![ValType::I64, ValType::F32] };
        functions.add(("a", "b"), ty, "x", |_, _| Ok(Vec::new())).expect("free");
        let function = &functions.all[0];
        assert_eq!(function.check(&[ResultValue::I64(1), ResultValue::F32(0)]), Ok(()));
        for wrong in [&[][..], &[ResultValue::I64(1)], &[ResultValue::F32(0), ResultValue::I64(1)]] {
            assert!(function.check(wrong).is_err());
        }
        let wrong = function.check(&[ResultValue::I32(1)]);
        assert_eq!(wrong, Err("the host function `a` `b` behaved as (i32) -> i32, but it is (i32) -> (i64, f32)".into()));
    }
}
