//! Functions of interfaces that an embedder offers to components.

use std::{future::Future, pin::Pin, sync::Arc};

use ambit_admit::InterfaceFunction;
use ambit_core::{ComponentFuncType, ComponentValue, Grants, Rejection};

use super::{HostError, HostFunctions, ImportName, RegisterError};

/// What a function of an interface gives: what it returns, some time; `None` if it returns nothing.
pub type ComponentFuture = Pin<Box<dyn Future<Output = Result<Option<ComponentValue>, HostError>> + Send>>;

type Body = dyn Fn(Vec<ComponentValue>) -> ComponentFuture + Send + Sync;

/// A function of an interface.
pub(crate) struct InterfaceMember {
    /// The interface, and the name in it.
    pub(crate) import: ImportName,
    pub(crate) ty: Arc<ComponentFuncType>,
    pub(crate) grant: String,
    pub(crate) body: Arc<Body>,
}

impl HostFunctions {
    /// Adds a function of an interface for components, such as `price` of `acme:shop/prices@1.0.0`. It may wait: meanwhile others
    /// run, and when the run ends, at its deadline for example, what it waits for is dropped.
    ///
    /// It is called with values of its type, which are charged to the guest's limit `host-buffers`; what it returns is checked.
    ///
    /// # Errors
    /// There is a function of that interface and name already, the interface is one of WASI's, or the grant has no name.
    pub fn add_component(
        &mut self,
        import: (&str, &str),
        ty: Arc<ComponentFuncType>,
        grant: &str,
        body: impl Fn(Vec<ComponentValue>) -> ComponentFuture + Send + Sync + 'static,
    ) -> Result<&mut Self, RegisterError> {
        let (module, name) = (import.0.to_owned(), import.1.to_owned());
        let import = ImportName { module, name };
        if import.module.starts_with("wasi:") {
            return Err(RegisterError::Known(import));
        }
        if self.members.iter().any(|member| member.import == import) {
            return Err(RegisterError::Twice(import));
        }
        if grant.is_empty() {
            return Err(RegisterError::NoGrant(import));
        }
        self.members.push(Arc::new(InterfaceMember { import, ty, grant: grant.to_owned(), body: Arc::new(body) }));
        Ok(self)
    }

    /// All functions of interfaces, as [`AdmitRules::interface_functions`](ambit_admit::AdmitRules::interface_functions) has them.
    ///
    /// # Errors
    /// `grants` name a grant that no function has.
    pub fn admitted_interfaces(&self, grants: &Grants) -> Result<Vec<InterfaceFunction>, Rejection> {
        self.check(&grants.functions)?;
        let admitted = self.members.iter().map(|member| {
            let InterfaceMember { import: ImportName { module, name }, ty, grant, body: _ } = &**member;
            let withheld = (!grants.functions.contains(grant)).then(|| grant.clone());
            InterfaceFunction { interface: module.clone(), name: name.clone(), ty: Arc::clone(ty), withheld }
        });
        Ok(admitted.collect())
    }

    pub(crate) fn members(&self) -> &[Arc<InterfaceMember>] {
        &self.members
    }
}

impl InterfaceMember {
    /// Checks what the function returned against its type.
    ///
    /// # Errors
    /// It returned something else; says what.
    pub(crate) fn check(&self, returned: Option<&ComponentValue>) -> Result<(), String> {
        match (returned, &self.ty.result) {
            (None, None) => Ok(()),
            (Some(value), Some(ty)) => {
                value.check(ty).map_err(|mismatch| format!("the host function {} returned another type: {mismatch}", self.import))
            }
            (Some(_), None) => Err(format!("the host function {} returned something, and has no result", self.import)),
            (None, Some(_)) => Err(format!("the host function {} returned nothing, and has a result", self.import)),
        }
    }
}
