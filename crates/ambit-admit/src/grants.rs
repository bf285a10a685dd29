//! Which grants a module could make use of, and which it cannot be given.

use ambit_core::{GrantKey, Grants, RejectReason, Rejection};

use crate::{
    uses::{self, Use, sample},
    verified::{ModuleKind, Verified},
};

/// The grants that a module could make use of, each with the reason, going by what it imports.
///
/// It does not say that the module needs them: most programs import more than they call, and run without.
pub fn could_ask_for(module: &Verified) -> Vec<(GrantKey, String)> {
    let mut grants = Vec::new();
    for (one, names) in uses::of(module) {
        let because = |what: &str| format!("it {what} ({})", sample(&names));
        match one {
            Use::Arguments => grants.push((GrantKey::Args, because("reads arguments"))),
            Use::Environment => grants.push((GrantKey::Env, because("reads environment variables"))),
            Use::Input => grants.push((GrantKey::Stdin, because("reads standard input or open files"))),
            Use::OpenFiles => grants.push((GrantKey::Dirs, because("opens files"))),
            Use::ChangeFiles => {
                grants.push((GrantKey::Dirs, because("changes files, which takes `rw`")));
                grants.push((GrantKey::Tmp, because("changes files, which it may do in a private directory")));
            }
            Use::Connect => grants.push((GrantKey::Net, because("opens connections"))),
            Use::Listen => grants.push((GrantKey::Listen, because("accepts connections"))),
            Use::Clocks => grants.push((GrantKey::Clock, because("reads clocks"))),
            Use::Random => grants.push((GrantKey::Random, because("reads random numbers"))),
        }
    }
    grants
}

/// Whether a module of this kind can be given what `grants` give: what nothing can enforce for it is refused.
///
/// # Errors
/// `unenforceable`, naming the grant.
pub fn check_grants(module: &Verified, grants: &Grants) -> Result<(), Rejection> {
    let refuse = |message: &str| Err(Rejection::new(RejectReason::Unenforceable, message));
    match module.kind() {
        ModuleKind::Core => Ok(()),
        ModuleKind::Component if grants.tmp.is_some() => {
            refuse("grant `tmp`: files of components have no quotas in this version; core modules have them")
        }
        ModuleKind::Component if !grants.dirs.is_empty() => refuse(
            "grant `dirs`: files of components have neither quotas nor a guard against FIFOs and devices in this version; core modules have both",
        ),
        ModuleKind::Component => Ok(()),
    }
}
