//! Who enforces what, and what is refused because nobody can.

use serde::Serialize;

use crate::{
    bound::Bound,
    grants::{GrantKey, Grants},
    ids::{EngineId, Isolation},
    limits::{LimitKey, RunLimits},
    outcome::{RejectReason, Rejection},
    size::ByteSize,
    stack::StackClass,
    units::Count,
};

/// Who enforces a limit at an isolation level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// Enforced by this part of the system.
    By(&'static str),
    /// Nothing can enforce it here: asking for it is refused, for this reason.
    Refused(&'static str),
}

/// Something was asked for that nothing here can enforce.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be enforced: {why}")]
pub struct Unenforceable {
    /// The limit, grant or level asked for.
    pub what: String,
    /// Why nothing can enforce it, and the remedy.
    pub why: String,
}

impl From<Unenforceable> for Rejection {
    fn from(error: Unenforceable) -> Self {
        Rejection::new(RejectReason::Unenforceable, error.to_string())
    }
}

const NO_NET: &str = "no network interface is linked, so there is nothing to count; the only value is 0";
const IN_PROCESS_COMPILER: &str =
    "the compiler runs in this process, where nothing can stop it; `wall-time` ends the wait for it, not its work";

const TRANSLATES: &str = "wasmi translates a module in the process of the guest, whose memory is bounded as a whole by `memory`";
const TRANSLATES_AMONG_OTHERS: &str =
    "wasmi translates a module in the process of the tenant's other guests; isolation `process` bounds it, and so does wasmtime";
const NO_COMPONENTS: &str = "nothing: only components have any, or more than one, and wasmi runs none";

impl LimitKey {
    /// Who enforces this limit at `isolation` where modules run on `engine`, or why asking for it is refused.
    pub fn enforcement(self, engine: EngineId, isolation: Isolation) -> Enforcement {
        use Enforcement::{By, Refused};
        match (engine, self, isolation) {
            (EngineId::Wasmi, LimitKey::Instances | LimitKey::Handles | LimitKey::ResourceTable | LimitKey::HostBuffers, _) => {
                By(NO_COMPONENTS)
            }
            (EngineId::Wasmi, LimitKey::CompileMemory, Isolation::Process | Isolation::Tenant) => Refused(TRANSLATES),
            (EngineId::Wasmi, LimitKey::CompileTime, Isolation::Tenant) => Refused(TRANSLATES_AMONG_OTHERS),
            (EngineId::Wasmi, LimitKey::CompileTime, Isolation::Process) => {
                By("the control process, by the CPU clock of the guest's process")
            }
            (EngineId::Wasmtime | EngineId::Wasmi | EngineId::Wasmer, ..) => self.enforcement_by_all(isolation),
        }
    }

    /// The same where it does not depend on the engine.
    fn enforcement_by_all(self, isolation: Isolation) -> Enforcement {
        use Enforcement::{By, Refused};
        match (self, isolation) {
            (LimitKey::Connections | LimitKey::NetBytes, _) => Refused(NO_NET),
            (LimitKey::ModuleSize, _) => By("admission, before parsing"),
            (LimitKey::Memory, Isolation::Process) => By("the store's limiter; around it, the kernel's limit on writable memory"),
            (LimitKey::Memory | LimitKey::TableElements | LimitKey::Tables | LimitKey::Memories | LimitKey::Instances, _) => {
                By("the store's limiter")
            }
            (LimitKey::Handles | LimitKey::Stack | LimitKey::Fuel, _) => By("the engine"),
            (LimitKey::Output, Isolation::Process) => By("the host interfaces; the control process, which counts again"),
            (LimitKey::FileSize | LimitKey::OpenFiles, Isolation::Process) => By("the host interfaces; around them, the kernel"),
            (
                LimitKey::ResourceTable
                | LimitKey::HostBuffers
                | LimitKey::Output
                | LimitKey::LogBytes
                | LimitKey::LogRate
                | LimitKey::Disk
                | LimitKey::FileSize
                | LimitKey::Files
                | LimitKey::OpenFiles,
                _,
            ) => By("the host interfaces"),
            (LimitKey::CpuTime | LimitKey::Cpus, Isolation::None | Isolation::Tenant) => {
                By("the scheduler, by the thread's CPU clock")
            }
            (LimitKey::CpuTime, Isolation::Process) => By("the control process, by the CPU clock of the guest's process"),
            (LimitKey::Cpus, Isolation::Process) => By("a control group; where there is none, the control process"),
            (LimitKey::WallTime, Isolation::None) => By("the scheduler, by the monotonic clock"),
            (LimitKey::WallTime, Isolation::Tenant) => {
                By("the scheduler; the control process, which ends the worker of a guest that does not stop")
            }
            (LimitKey::WallTime, Isolation::Process) => By("the control process, which ends the guest's"),
            (LimitKey::CompileTime | LimitKey::CompileMemory, Isolation::None) => Refused(IN_PROCESS_COMPILER),
            (LimitKey::CompileTime, Isolation::Process | Isolation::Tenant) => {
                By("the control process, by the CPU clock of the compiler's process")
            }
            (LimitKey::CompileMemory, Isolation::Process | Isolation::Tenant) => {
                By("the kernel's limit on writable memory of the compiler's process")
            }
        }
    }
}

/// Lifts defaults that `engine` at `isolation` cannot enforce and refuses those that were named.
pub(crate) fn resolve(
    limits: &mut RunLimits,
    named: &[LimitKey],
    engine: EngineId,
    isolation: Isolation,
) -> Result<(), Unenforceable> {
    for &key in LimitKey::ALL {
        let Enforcement::Refused(why) = key.enforcement(engine, isolation) else { continue };
        // What asks for no more than there is anyway is no bound that somebody would have to enforce.
        let only = match key {
            LimitKey::Connections | LimitKey::NetBytes => Bound::At(Count(0)),
            _ => Bound::Unlimited,
        };
        if named.contains(&key) && limits.get(key) != only {
            return Err(Unenforceable { what: format!("limit `{key}`"), why: why.into() });
        }
        match key {
            LimitKey::CompileTime => limits.compile_time = Bound::Unlimited,
            LimitKey::CompileMemory => limits.compile_memory = Bound::Unlimited,
            // Their default is zero, and zero is what no network gives.
            _ => {}
        }
    }
    // Stacks come in classes: what is in force is the class, and that is what is shown.
    limits.stack = Bound::At(ByteSize::bytes(StackClass::covering(limits.stack.ceiling()).bytes() as u64));
    Ok(())
}

/// Refuses grants behind which there is no implementation. Which host functions there are, only the engine knows: it refuses
/// grants of others.
pub(crate) fn check_grants(grants: &Grants) -> Result<(), Unenforceable> {
    for key in grants.given() {
        let why = match key {
            GrantKey::Args
            | GrantKey::Env
            | GrantKey::Stdin
            | GrantKey::Dirs
            | GrantKey::Tmp
            | GrantKey::Clock
            | GrantKey::Random
            | GrantKey::Functions => continue,
            GrantKey::Net | GrantKey::Listen => "sockets are not part of this version",
            GrantKey::Http => "outgoing HTTP is not part of this version",
            GrantKey::Kv => "key-value storage is not part of this version",
            GrantKey::Config => "configuration values are not part of this version; pass them with --env",
            GrantKey::Secrets => "secrets are not part of this version",
            GrantKey::Logging => "structured logging is not part of this version; core modules have `env.log`",
            GrantKey::Metrics => "guest metrics are not part of this version",
        };
        return Err(Unenforceable { what: format!("grant `{key}`"), why: why.into() });
    }
    Ok(())
}
