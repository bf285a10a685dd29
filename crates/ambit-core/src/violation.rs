//! Attempts beyond a grant or limit.

use serde::{Deserialize, Serialize};

/// An attempt of the guest beyond a grant or limit. The call failed; the guest decided how to go on.
///
/// Equal attempts are counted, not repeated, so that a guest in a loop cannot fill memory or logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// What stood in the way: a limit's or a grant's name, or `syscall`.
    pub rule: String,
    /// What was attempted the first time, escaped and capped, with the grant or limit that would allow it.
    pub attempt: String,
    /// How often.
    pub count: u64,
}

impl Violation {
    /// At most this many different violations are kept for a run; more are counted into the last.
    pub const MAX_KEPT: usize = 64;

    /// Adds an attempt to `list`.
    pub fn record(list: &mut Vec<Violation>, rule: &str, attempt: impl FnOnce() -> String) {
        if let Some(known) = list.iter_mut().find(|violation| violation.rule == rule) {
            known.count += 1;
        } else if list.len() < Self::MAX_KEPT {
            list.push(Violation { rule: rule.to_owned(), attempt: attempt(), count: 1 });
        } else if let Some(last) = list.last_mut() {
            last.count += 1;
        }
    }
}
