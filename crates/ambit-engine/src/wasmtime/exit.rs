//! What an error of Wasmtime's says about how a guest ended.

use std::num::NonZeroUsize;

use ambit_core::{Frame, LimitKey, RejectReason, Rejection, TrapKind, escape};
use wasmtime::{FrameSymbol, GcHeapOutOfMemory, ThrownException, Trap, WasmBacktrace, component::ResourceTableError};

use super::engine::message;
use crate::{ended::Ended, host::Stop, meter::Meter};

/// The most frames of a trace that are kept.
pub(super) const MAX_FRAMES: NonZeroUsize = NonZeroUsize::new(64).expect("not 0");

/// What the engine's GC heap can address.
const GC_HEAP: u64 = 4 << 30;

/// What the engine says when a limit of its own ends a guest, where it has no type for that. If it changes its words, a test
/// fails: `b6_instances_of_a_component`, or one of `tests/rows/components.rs`.
const LIMITS_BY_WORDS: [(&str, LimitKey); 3] = [
    ("instance count too high", LimitKey::Instances),
    ("store handle limit exceeded", LimitKey::Handles),
    ("fuel allocated for hostcalls has been exhausted", LimitKey::HostBuffers),
];

/// How a guest ended whose start or call failed with `error`.
pub(super) fn ended(error: &wasmtime::Error, meter: &Meter) -> Ended {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return Ended::stopped(stop, meter, || traced(error));
    }
    if let Some(wasmtime_wasi::I32Exit(code)) = error.downcast_ref() {
        return Ended::Exited(*code);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::StackOverflow => Ended::limit(meter, LimitKey::Stack, None),
            Trap::OutOfFuel => Ended::out_of_fuel(meter),
            // Larger than the GC heap can ever be: a matter of memory, unless more than that is allowed.
            Trap::AllocationTooLarge if meter.limits().memory.ceiling() < GC_HEAP => {
                Ended::limit(meter, LimitKey::Memory, Some(GC_HEAP))
            }
            trap => trapped(kind(*trap), trap.to_string(), error),
        };
    }
    if error.is::<ThrownException>() {
        return trapped(TrapKind::UncaughtException, "an exception was thrown and nothing caught it".into(), error);
    }
    if error.is::<GcHeapOutOfMemory<()>>() {
        return trapped(TrapKind::AllocationTooLarge, "the GC heap is full".into(), error);
    }
    if error.is::<wasmtime::UnknownImportError>() {
        return Ended::Refused(Rejection::new(RejectReason::ImportDenied, message(error)));
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Ended::limit(meter, LimitKey::ResourceTable, None);
    }
    let text = message(error);
    if let Some((_, limit)) = LIMITS_BY_WORDS.iter().find(|(words, _)| text.contains(words)) {
        return Ended::limit(meter, *limit, None);
    }
    // What the kernel refused, such as address space: nothing that the guest did.
    if error.chain().any(|cause| cause.is::<std::io::Error>() || cause.is::<rustix::io::Errno>()) {
        return Ended::Failed(text);
    }
    // The rest is the engine's refusal of something the guest did, such as breaking a rule of the component model. It has no
    // type of its own.
    trapped(TrapKind::ComponentRule, text, error)
}

fn kind(trap: Trap) -> TrapKind {
    match trap {
        Trap::UnreachableCodeReached => TrapKind::Unreachable,
        Trap::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds,
        Trap::TableOutOfBounds => TrapKind::TableOutOfBounds,
        Trap::IndirectCallToNull => TrapKind::IndirectCallToNull,
        Trap::BadSignature => TrapKind::BadSignature,
        Trap::IntegerOverflow => TrapKind::IntegerOverflow,
        Trap::IntegerDivisionByZero => TrapKind::IntegerDivisionByZero,
        Trap::BadConversionToInteger => TrapKind::BadConversionToInteger,
        Trap::NullReference => TrapKind::NullReference,
        Trap::ArrayOutOfBounds => TrapKind::ArrayOutOfBounds,
        Trap::AllocationTooLarge => TrapKind::AllocationTooLarge,
        Trap::CastFailure => TrapKind::CastFailure,
        Trap::HeapMisaligned => TrapKind::HeapMisaligned,
        Trap::UncaughtException => TrapKind::UncaughtException,
        Trap::CannotEnterComponent
        | Trap::CannotLeaveComponent
        | Trap::InvalidChar
        | Trap::StringOutOfBounds
        | Trap::ListOutOfBounds
        | Trap::InvalidDiscriminant
        | Trap::UnalignedPointer => TrapKind::ComponentRule,
        // The engine's list is open and grows by version.
        _ => TrapKind::Other,
    }
}

fn trapped(trap: TrapKind, message: String, error: &wasmtime::Error) -> Ended {
    Ended::Trapped { trap, message, frames: traced(error) }
}

fn traced(error: &wasmtime::Error) -> Vec<Frame> {
    error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default()
}

/// Innermost first. A function that was inlined into another has a frame of its own where debug information tells of it.
fn frames(trace: &WasmBacktrace) -> Vec<Frame> {
    let frames = trace.frames().iter().flat_map(|frame| {
        let one = |name: Option<&str>, source| Frame {
            function: name.map_or_else(|| format!("func[{}]", frame.func_index()), |name| escape(name, 128)),
            module: frame.module().name().map(|name| escape(name, 128)),
            offset: frame.module_offset().map(|offset| offset as u64),
            source,
        };
        let symbols = frame.symbols();
        if symbols.is_empty() {
            return vec![one(frame.func_name(), None)];
        }
        symbols.iter().map(|symbol| one(symbol.name().or_else(|| frame.func_name()), source(symbol))).collect()
    });
    frames.take(MAX_FRAMES.get()).collect()
}

/// `file:line:column`, as far as it is known.
fn source(symbol: &FrameSymbol) -> Option<String> {
    let file = symbol.file()?;
    let (line, column) = (symbol.line().unwrap_or(0), symbol.column().unwrap_or(0));
    Some(escape(format!("{file}:{line}:{column}"), 256))
}
