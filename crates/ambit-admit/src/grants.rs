//! Which grants a module could make use of.

use ambit_core::GrantKey;

use crate::{
    uses::{self, Use, sample},
    verified::Verified,
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
