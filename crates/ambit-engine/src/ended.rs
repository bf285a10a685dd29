//! How a guest's code ended, before limits and deadlines are taken into account.

use ambit_core::{ComponentValue, Frame, LimitKey, Outcome, Rejection, ResultValue, TrapKind, escape};

use crate::{
    answer::Answer,
    host::Stop,
    meter::{Excess, Meter},
};

/// How a guest's code ended, as the engine saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The entry point returned.
    Returned(Vec<ResultValue>),
    /// A component's function returned this value.
    Gave(ComponentValue),
    /// An exchange was answered with these bytes.
    Replied(Vec<u8>),
    /// The guest asked to exit.
    Exited(i32),
    /// Its code trapped.
    Trapped {
        /// The kind of trap.
        trap: TrapKind,
        /// What the engine says.
        message: String,
        /// The guest's stack.
        frames: Vec<Frame>,
    },
    /// A limit that the engine enforces was passed.
    Limit {
        /// Which limit.
        limit: LimitKey,
        /// The limit in base units.
        allowed: u64,
        /// What was used or asked for, where that is known.
        used: Option<u64>,
    },
    /// It could not start: an import or an entry point did not fit.
    Refused(Rejection),
    /// The engine or a host function failed, not the guest.
    Failed(String),
}

impl Ended {
    /// The outcome, with what the meter remembers: a limit that had to end the run comes first; a failure after a refused
    /// growth is that limit's, since the guest was told -1 and could not go on.
    pub fn outcome(self, meter: &Meter) -> (Outcome, Answer) {
        let limit = |Excess { limit, allowed, used }| Outcome::LimitExceeded { limit, allowed, used: Some(used) };
        if let Some(excess) = meter.fatal() {
            return (limit(excess), Answer::default());
        }
        let failed = match &self {
            Ended::Trapped { .. } => true,
            Ended::Exited(code) => *code != 0,
            Ended::Returned(_)
            | Ended::Gave(_)
            | Ended::Replied(_)
            | Ended::Limit { .. }
            | Ended::Refused(_)
            | Ended::Failed(_) => false,
        };
        if let (true, Some(excess)) = (failed, meter.refused()) {
            return (limit(excess), Answer::default());
        }
        let outcome = match self {
            Ended::Returned(values) => return (Outcome::Exited { code: 0 }, Answer::Values(values)),
            Ended::Gave(value) => return (Outcome::Exited { code: 0 }, Answer::Component(value)),
            Ended::Replied(bytes) => return (Outcome::Exited { code: 0 }, Answer::Bytes(bytes)),
            Ended::Exited(code) => Outcome::Exited { code },
            Ended::Trapped { trap, message, frames } => Outcome::Trapped { trap, message, frames },
            Ended::Limit { limit, allowed, used } => Outcome::LimitExceeded { limit, allowed, used },
            Ended::Refused(rejection) => Outcome::Rejected(rejection),
            Ended::Failed(reason) => Outcome::Lost { reason },
        };
        (outcome, Answer::default())
    }

    /// The end by what a host call said, with the guest's stack where the engine has it.
    pub(crate) fn stopped(stop: &Stop, meter: &Meter, frames: impl FnOnce() -> Vec<Frame>) -> Self {
        match stop {
            Stop::Exit(code) => Ended::Exited(*code),
            Stop::Trap(message) => Ended::Trapped { trap: TrapKind::Host, message: escape(message, 512), frames: frames() },
            Stop::Depth => Ended::limit(meter, LimitKey::Stack, None),
            Stop::Failed(reason) => Ended::Failed(escape(reason, 512)),
            // The meter knows which.
            Stop::Limit => Ended::Failed("a limit ended the run".into()),
        }
    }

    /// The end by fuel that is used up: all of it is, whatever the engine has left of it.
    pub(crate) fn out_of_fuel(meter: &Meter) -> Self {
        let allowed = meter.limits().fuel.ceiling();
        meter.note_fuel(allowed);
        Ended::limit(meter, LimitKey::Fuel, Some(allowed))
    }

    /// The end by one of the guest's limits.
    pub fn limit(meter: &Meter, limit: LimitKey, used: Option<u64>) -> Self {
        Ended::Limit { limit, allowed: meter.limits().get(limit).ceiling(), used }
    }
}
