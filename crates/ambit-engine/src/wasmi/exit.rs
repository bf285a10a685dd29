//! What an error of Wasmi's says about how a guest ended.

use ambit_core::{LimitKey, RejectReason, Rejection, TrapKind, escape};
use wasmi::{
    Error, TrapCode,
    errors::{ErrorKind, InstantiationError, MemoryError, TableError},
};

use super::link::Stopped;
use crate::{ended::Ended, meter::Meter};

/// How a guest ended whose start or call failed with `error`.
pub(super) fn ended(error: &Error, meter: &Meter) -> Ended {
    if let Some(Stopped(stop)) = error.downcast_ref() {
        return Ended::stopped(stop, meter, Vec::new);
    }
    if let Some(code) = error.as_trap_code() {
        return trap(code, meter);
    }
    match error.kind() {
        ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(error)) => made(error, error.to_string()),
        ErrorKind::Instantiation(InstantiationError::FailedToInstantiateTable(error)) => match error {
            TableError::OutOfSystemMemory => out_of_memory(),
            error => trapped(TrapKind::AllocationTooLarge, error.to_string()),
        },
        ErrorKind::Memory(error) => made(error, error.to_string()),
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            trapped(TrapKind::TableOutOfBounds, message(error))
        }
        ErrorKind::Linker(_) | ErrorKind::Instantiation(_) => {
            Ended::Refused(Rejection::new(RejectReason::ImportDenied, message(error)))
        }
        // Nothing that a guest did.
        _ => Ended::Failed(message(error)),
    }
}

fn trap(code: TrapCode, meter: &Meter) -> Ended {
    let kind = match code {
        TrapCode::UnreachableCodeReached => TrapKind::Unreachable,
        TrapCode::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => TrapKind::TableOutOfBounds,
        TrapCode::IndirectCallToNull => TrapKind::IndirectCallToNull,
        TrapCode::IntegerDivisionByZero => TrapKind::IntegerDivisionByZero,
        TrapCode::IntegerOverflow => TrapKind::IntegerOverflow,
        TrapCode::BadConversionToInteger => TrapKind::BadConversionToInteger,
        TrapCode::BadSignature => TrapKind::BadSignature,
        TrapCode::StackOverflow => return Ended::limit(meter, LimitKey::Stack, None),
        TrapCode::OutOfFuel => return Ended::out_of_fuel(meter),
        // The meter knows which limit.
        TrapCode::GrowthOperationLimited => return Ended::Failed("a limit ended the run".into()),
        TrapCode::OutOfSystemMemory => return out_of_memory(),
    };
    trapped(kind, code.trap_message().to_owned())
}

/// A memory could not be made. If a limit is the reason, the meter says so.
fn made(error: &MemoryError, message: String) -> Ended {
    match error {
        MemoryError::OutOfSystemMemory => out_of_memory(),
        _ => trapped(TrapKind::AllocationTooLarge, message),
    }
}

fn out_of_memory() -> Ended {
    Ended::Failed("wasmi finds no more memory, within what the guest may have".into())
}

fn trapped(trap: TrapKind, message: String) -> Ended {
    Ended::Trapped { trap, message, frames: Vec::new() }
}

/// An error of the engine's as one escaped and capped line.
pub(super) fn message(error: &Error) -> String {
    escape(error.to_string(), 1024)
}
