//! Messages out of bytes.

use ambit_core::{
    Access, Clock, DirGrant, EngineId, Feature, Frame, Layer, LimitKey, LimitsSpec, Metering, NetGrant, OnMemoryRefusal, Outcome,
    Policy, Profile, Random, RejectReason, Rejection, ResultValue, Stdin, TrapKind, Usage, Violation,
};
use ambit_jail::{
    DirSource, DirSpec, ExtraSyscalls, JailError, JailSpec, Purpose, Rlimits,
    wire::{
        Entry, FromCompiler, FromWorker, GuestDir, MOST_KINDS, ModuleForm, RunEnd, RunJob, Stream, StreamsSpec, ToCompiler,
        ToWorker,
    },
};

use crate::input::Input;

pub(crate) fn policy(input: &mut Input<'_>) -> Policy {
    let mut policy = input.one_of(Profile::ALL).policy();
    let mut limits = LimitsSpec::default();
    for _ in 0..input.below(8) {
        let key = input.one_of(LimitKey::ALL);
        let value = if input.bool() { "unlimited".to_owned() } else { key.show(input.u64()).replace(' ', "") };
        // Out of its range, it stays as it was.
        let _ = limits.set(key.name(), &value);
    }
    policy.limits = policy.limits.with(&limits);
    policy.on_memory_refusal = input.one_of(OnMemoryRefusal::ALL);
    policy.deterministic = input.bool();
    policy.features = input.list(8, |input| input.one_of(Feature::ALL)).into_iter().collect();
    let grants = &mut policy.grants;
    grants.args = input.list(4, Input::string);
    grants.env = input.list(4, |input| (input.string(), input.string()));
    grants.stdin = match input.below(3) {
        0 => Stdin::None,
        1 => Stdin::Inherit,
        _ => Stdin::File(input.string().into()),
    };
    grants.dirs = input.list(3, |input| DirGrant { host: input.string().into(), guest: input.string(), access: access(input) });
    grants.clock = input.one_of(Clock::ALL);
    grants.random = match input.below(2) {
        0 => Random::Os,
        _ => Random::Seeded(input.u64()),
    };
    grants.net = input.list(2, |input| NetGrant(input.string()));
    policy
}

pub(crate) fn from_worker(input: &mut Input<'_>) -> FromWorker {
    match input.below(7) {
        0 => FromWorker::Entered { layers: layers(input), engine_version: input.string() },
        1 => FromWorker::NotEntered(error(input)),
        2 => FromWorker::Loaded { module: input.u32(), refused: input.option(rejection) },
        3 => FromWorker::Log { run: input.u64(), text: input.string() },
        4 => FromWorker::Ended(Box::new(end(input))),
        5 => FromWorker::Repeated {
            run: input.u64(),
            took: input.list(200, Input::u32),
            ended: input.list(MOST_KINDS + 1, |input| (input.string(), input.u64())),
            failure: input.option(outcome),
            over: input.bool(),
        },
        _ => FromWorker::Failed(input.string()),
    }
}

pub(crate) fn from_compiler(input: &mut Input<'_>) -> FromCompiler {
    match input.below(5) {
        0 => FromCompiler::Entered(layers(input)),
        1 => FromCompiler::NotEntered(error(input)),
        2 => FromCompiler::Compiled,
        3 => FromCompiler::Rejected(rejection(input)),
        _ => FromCompiler::Failed(input.string()),
    }
}

pub(crate) fn to_worker(input: &mut Input<'_>) -> ToWorker {
    match input.below(8) {
        0 => ToWorker::Module {
            module: input.u32(),
            form: input.one_of(ModuleForm::ALL),
            policy: Box::new(policy(input)),
            metering: input.one_of(Metering::ALL),
        },
        1 => ToWorker::Artifact { module: input.u32() },
        2 => ToWorker::Forget { module: input.u32() },
        3 => ToWorker::Run(Box::new(job(input))),
        4 => ToWorker::Repeat { job: Box::new(job(input)), times: input.u64() },
        5 => ToWorker::Cancel { run: input.u64() },
        6 => ToWorker::Translate { module: input.u32() },
        _ => ToWorker::Rehearse { policy: Box::new(policy(input)), metering: input.one_of(Metering::ALL) },
    }
}

pub(crate) fn to_compiler(input: &mut Input<'_>) -> ToCompiler {
    ToCompiler::Compile { policy: Box::new(policy(input)), metering: input.one_of(Metering::ALL) }
}

pub(crate) fn spec(input: &mut Input<'_>) -> JailSpec {
    JailSpec {
        purpose: input.one_of(&[Purpose::Process, Purpose::Tenant, Purpose::Compiler]),
        engine: input.one_of(EngineId::ALL),
        given: layers(input),
        dispensable: layers(input),
        page: input.bool(),
        dirs: input.list(8, |input| DirSpec {
            access: access(input),
            source: input.option(Input::string).map_or(DirSource::Mount, |path| DirSource::Path(path.into())),
        }),
        tmp: input.option(Input::u64),
        classic_root: input.bool(),
        rlimits: Rlimits {
            data: input.option(Input::u64),
            address_space: input.option(Input::u64),
            file_size: input.option(Input::u64),
            open_files: input.option(Input::u64),
        },
        syscalls: ExtraSyscalls { allow: input.list(8, Input::string), deny: input.list(8, Input::string) },
    }
}

fn job(input: &mut Input<'_>) -> RunJob {
    let stream = |input: &mut Input<'_>| match input.below(3) {
        0 => Stream::Nothing,
        1 => Stream::Descriptor { terminal: input.bool() },
        _ => Stream::Kept,
    };
    RunJob {
        run: input.u64(),
        module: input.u32(),
        policy: input.option(|input| Box::new(policy(input))),
        entry: if input.bool() {
            Entry::Command
        } else {
            Entry::Invoke { function: input.string(), args: input.list(8, Input::string) }
        },
        name: input.string(),
        streams: StreamsSpec { stdin: stream(input), stdout: stream(input), stderr: stream(input), log: input.bool() },
        dirs: input.list(8, |input| GuestDir { guest: input.string(), access: access(input), capacity: input.option(Input::u64) }),
    }
}

fn end(input: &mut Input<'_>) -> RunEnd {
    RunEnd {
        run: input.u64(),
        outcome: outcome(input),
        results: input.list(200, result),
        value: input.option(|input| input.bytes().to_vec()),
        usage: usage(input),
        violations: input.list(Violation::MAX_KEPT, |input| Violation {
            rule: input.string(),
            attempt: input.string(),
            count: input.u64(),
        }),
        stdout: input.bytes().to_vec(),
        stderr: input.bytes().to_vec(),
    }
}

fn outcome(input: &mut Input<'_>) -> Outcome {
    match input.below(7) {
        0 => Outcome::Exited { code: input.u32().cast_signed() },
        1 => Outcome::Trapped {
            trap: input.one_of(TrapKind::ALL),
            message: input.string(),
            frames: input.list(Frame::MAX_KEPT, |input| Frame {
                function: input.string(),
                module: input.option(Input::string),
                offset: input.option(Input::u64),
                source: input.option(Input::string),
            }),
        },
        2 => Outcome::LimitExceeded { limit: input.one_of(LimitKey::ALL), allowed: input.u64(), used: input.option(Input::u64) },
        3 => Outcome::Rejected(rejection(input)),
        4 => Outcome::Cancelled { by: input.string() },
        5 => Outcome::Killed { signal: input.string() },
        _ => Outcome::Lost { reason: input.string() },
    }
}

fn result(input: &mut Input<'_>) -> ResultValue {
    match input.below(5) {
        0 => ResultValue::I32(input.u32().cast_signed()),
        1 => ResultValue::I64(input.u64().cast_signed()),
        2 => ResultValue::F32(input.u32()),
        3 => ResultValue::F64(input.u64()),
        _ => ResultValue::V128(input.u128()),
    }
}

fn usage(input: &mut Input<'_>) -> Usage {
    Usage {
        wall_ns: input.option(Input::u64),
        cpu_ns: input.option(Input::u64),
        fuel: input.option(Input::u64),
        peak_memory_bytes: input.option(Input::u64),
        output_bytes: input.option(Input::u64),
        disk_bytes: input.option(Input::u64),
        files_created: input.option(Input::u64),
        host_calls: input.option(Input::u64),
        compile_ns: input.option(Input::u64),
        instantiate_ns: input.option(Input::u64),
        queue_ns: input.option(Input::u64),
    }
}

fn rejection(input: &mut Input<'_>) -> Rejection {
    Rejection::new(input.one_of(RejectReason::ALL), input.string())
}

fn error(input: &mut Input<'_>) -> JailError {
    JailError { layer: input.option(|input| input.one_of(Layer::ALL)), step: input.string(), errno: input.string() }
}

fn layers(input: &mut Input<'_>) -> Vec<Layer> {
    input.list(Layer::ALL.len(), |input| input.one_of(Layer::ALL))
}

fn access(input: &mut Input<'_>) -> Access {
    if input.bool() { Access::ReadWrite } else { Access::ReadOnly }
}
