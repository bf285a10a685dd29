//! What is said.
//!
//! ```text
//! parent → compiler:  JailSpec, then ToCompiler::Compile         compiler → parent:  Entered, then Compiled, or a refusal
//! parent → worker:    JailSpec, then Module, Artifact, Run …      worker → parent:    Entered, then Checked, Loaded, Ended …
//! ```

use ambit_core::{Access, Layer, Metering, Outcome, Policy, Rejection, ResultValue, Usage, Violation, few};
use serde::{Deserialize, Serialize};

use crate::error::JailError;

/// What a compiler is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToCompiler {
    /// Compile a module. Descriptors: its bytes; a file for the artifact.
    Compile {
        /// What it is admitted under, and how it is compiled.
        policy: Box<Policy>,
        /// How guests of it are to be stopped.
        metering: Metering,
    },
}

/// What a compiler says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromCompiler {
    /// It is in its jail, with these layers around it.
    Entered(Vec<Layer>),
    /// It could not enter its jail.
    NotEntered(JailError),
    /// The artifact is written.
    Compiled,
    /// The module is not accepted.
    Rejected(Rejection),
    /// It failed, and not for anything that the module is known to be.
    Failed(String),
}

/// What of a module a worker is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleForm {
    /// What admission has found out of it: all that is needed to run what it was compiled to.
    Facts,
    /// Its bytes, to be read once more.
    Bytes,
}

impl ModuleForm {
    /// Both.
    pub const ALL: &[Self] = &[Self::Facts, Self::Bytes];
}

/// What a worker is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToWorker {
    /// A module, maybe while it is compiled elsewhere. Descriptor: what `form` says.
    Module {
        /// What it is called from now on.
        module: u32,
        /// What of it is given.
        form: ModuleForm,
        /// What it is admitted under.
        policy: Box<Policy>,
        /// How guests of it are stopped.
        metering: Metering,
    },
    /// What a module was compiled to. Descriptor: the artifact.
    Artifact {
        /// Which.
        module: u32,
    },
    /// There is no artifact: the worker's engine is one that works from the module itself, and is to make it ready.
    Translate {
        /// Which.
        module: u32,
    },
    /// Forgets a module: no run of it will be asked for any more.
    Forget {
        /// Which.
        module: u32,
    },
    /// A run. Descriptors: those that `streams` names, in its order.
    Run(Box<RunJob>),
    /// A run, this often, one after the other, each on a fresh instance. Only from [`Purpose::Tenant`](crate::Purpose) workers.
    Repeat {
        /// The run. Nothing of its output is kept.
        job: Box<RunJob>,
        /// How often.
        times: u64,
    },
    /// Ends a run.
    Cancel {
        /// Which.
        run: u64,
    },
    /// A program of the parent's own, to a worker of one run that waits for it: run along the way that a guest will take, it leaves
    /// less for that to be the first at. Answered by `Loaded` of [`REHEARSAL`]. Descriptors: its bytes; the artifact, if there is one.
    Rehearse {
        /// What it runs under, like the run that is expected.
        policy: Box<Policy>,
        /// How it was compiled.
        metering: Metering,
    },
}

/// The number of the module that is rehearsed with. Others begin at 1.
pub const REHEARSAL: u32 = 0;

/// A run that a worker is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunJob {
    /// What it is called.
    pub run: u64,
    /// Of which module.
    pub module: u32,
    /// Its limits and grants; `None` for those that the module came with.
    pub policy: Option<Box<Policy>>,
    /// What is called.
    pub entry: Entry,
    /// `argv[0]`.
    pub name: String,
    /// Where its streams go.
    pub streams: StreamsSpec,
    /// The directories of the jail, by the names that the guest has for them.
    pub dirs: Vec<GuestDir>,
}

/// What of a module is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// It is run as a program.
    Command,
    /// A function, with arguments as text.
    Invoke {
        /// Its name.
        function: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

/// A directory of the jail as the guest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestDir {
    /// Its path for the guest.
    pub guest: String,
    /// What may be done in it.
    pub access: Access,
    /// How many bytes may be written into it.
    pub capacity: Option<u64>,
}

/// Where the streams of a run go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamsSpec {
    /// Standard input: a descriptor, or nothing.
    pub stdin: Stream,
    /// Standard output.
    pub stdout: Stream,
    /// Standard error.
    pub stderr: Stream,
    /// Whether messages of `env.log` are wanted.
    pub log: bool,
}

/// Where a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Nowhere: input is empty, output is thrown away.
    Nothing,
    /// To a descriptor that came with the message.
    Descriptor {
        /// Whether a person is at its other end.
        terminal: bool,
    },
    /// Output only: it is kept, and comes with the end of the run.
    Kept,
}

/// The most ways to end that are told apart where runs are repeated: a guest may exit with another code each time.
pub const MOST_KINDS: usize = 64;

/// What a worker says. Its parent believes none of it beyond what the run itself could have brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromWorker {
    /// It is in its jail.
    Entered {
        /// The layers around it.
        layers: Vec<Layer>,
        /// The version of its engine.
        engine_version: String,
    },
    /// It could not enter its jail.
    NotEntered(JailError),
    /// The artifact of a module is loaded; or the module is refused.
    Loaded {
        /// Which.
        module: u32,
        /// Why not.
        refused: Option<Rejection>,
    },
    /// A message of `env.log`.
    Log {
        /// Of which run.
        run: u64,
        /// A line, escaped.
        text: String,
    },
    /// A run is over.
    Ended(Box<RunEnd>),
    /// What came of a run that is repeated, since this was last said.
    Repeated {
        /// Which.
        run: u64,
        /// How long each took, in nanoseconds, at most 4 seconds of them.
        took: Vec<u32>,
        /// How they ended, in a word or two, and how many did: the first kinds that there were, and then all others as one.
        #[serde(deserialize_with = "few::<_, _, { MOST_KINDS + 1 }>")]
        ended: Vec<(String, u64)>,
        /// The first that was no success.
        failure: Option<Outcome>,
        /// Whether that was the last of it.
        over: bool,
    },
    /// It gives up, for a reason that is no guest's.
    Failed(String),
}

/// The most results of a function: as many as WebAssembly lets one have.
const MOST_RESULTS: usize = 1000;

/// The end of a run, as its worker says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnd {
    /// Which run.
    pub run: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// What an invoked function returned.
    #[serde(deserialize_with = "few::<_, _, MOST_RESULTS>")]
    pub results: Vec<ResultValue>,
    /// What an invoked function of a component returned, packed.
    pub value: Option<Vec<u8>>,
    /// What it used.
    pub usage: Usage,
    /// What it attempted beyond grants and limits.
    #[serde(deserialize_with = "few::<_, _, { Violation::MAX_KEPT }>")]
    pub violations: Vec<Violation>,
    /// What was kept of its output.
    pub stdout: Vec<u8>,
    /// The same of its standard error.
    pub stderr: Vec<u8>,
}
