//! With what a module is run or instantiated.

use std::io::Cursor;

use ambit_core::{GrantKey, PolicyError};
use ambit_engine::{Call, host::GuestOutput};
use ambit_runtime::{InstanceRequest, RunRequest};

use crate::{
    block::block_on,
    error::Error,
    instance::Instance,
    log::Log,
    module::Module,
    output::Output,
    policy::Policy,
    running::Running,
    streams::{Captured, Sink, Streams},
};

/// With what a module is run or instantiated: arguments, variables, input, and where its output goes. Nothing of it is given
/// that is not said here or in the module's policy.
///
/// Output is kept in host memory unless it is sent elsewhere: as much as the limit `output` allows, a mebibyte by default, and
/// without that limit as much as the guest writes.
///
/// ```no_run
/// # fn run(module: ambit::Module) -> Result<(), ambit::Error> {
/// let output = module.launch().args(["-n", "3"]).env("LANG", "C").stdin("a\nb\nc\nd\n").run_blocking()?;
/// println!("{}: {}", output.outcome().kind(), output.stdout_text());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it says with what; `run`, `start` and `instantiate` begin"]
pub struct Launch {
    module: Module,
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: Option<Vec<u8>>,
    stdout: Sink,
    stderr: Sink,
    log: Option<Log>,
}

impl Launch {
    pub(crate) fn new(module: Module) -> Self {
        let log = module.log().cloned();
        Self { module, args: Vec::new(), env: Vec::new(), stdin: None, stdout: Sink::Kept, stderr: Sink::Kept, log }
    }

    /// An argument after the program's name and those of the policy.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Several of them.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// An environment variable. A later one of that name replaces an earlier one, or one of the policy's.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Bytes of standard input, in place of what the policy grants.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sends standard output there instead of keeping it.
    pub fn stdout(mut self, output: impl GuestOutput + 'static) -> Self {
        self.stdout = Sink::given(output);
        self
    }

    /// Sends standard error there instead of keeping it.
    pub fn stderr(mut self, output: impl GuestOutput + 'static) -> Self {
        self.stderr = Sink::given(output);
        self
    }

    /// Sends messages of `env.log` there instead of keeping them: as [`Module::with_log`].
    pub fn log(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.log = Some(Log::new(log));
        self
    }

    /// Runs the module as a program to its end: `_start`, `main`, or a component's `wasi:cli/run`. If the future is dropped
    /// before that, the run is cancelled.
    ///
    /// # Errors
    /// It was refused: nothing ran. However it ended otherwise is in the [`Output`].
    pub async fn run(mut self) -> Result<Output, Error> {
        let (request, captured) = self.request()?;
        captured.output(self.module.await_run(request).await?)
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Launch::run`].
    pub fn run_blocking(self) -> Result<Output, Error> {
        block_on(self.run())
    }

    /// Starts the module as a program on the runtime's cores.
    ///
    /// # Errors
    /// It was refused: nothing ran.
    pub fn start(mut self) -> Result<Running, Error> {
        let (request, captured) = self.request()?;
        Ok(Running::new(self.module.runtime().inner().start(request)?, captured, self.module.clone()))
    }

    /// Makes an instance that is kept between calls, and runs its start function and `_initialize`, if it has them. If the
    /// future is dropped before that, they are cancelled.
    ///
    /// # Errors
    /// It was refused, or one of them did not return. Instances of components cannot be kept.
    pub async fn instantiate(self) -> Result<Instance, Error> {
        let (made, captured) = self.make().await?;
        Ok(Instance::new(self, made, captured))
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Launch::instantiate`].
    pub fn instantiate_blocking(self) -> Result<Instance, Error> {
        block_on(self.instantiate())
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    pub(crate) async fn make(&self) -> Result<(ambit_runtime::Instance, Captured), Error> {
        let (request, captured) = self.instance_request()?;
        match self.module.runtime().inner().instantiate(request)?.await {
            Ok(instance) => Ok((instance, captured)),
            Err(finished) => Err(Error::ended("the instance", finished)),
        }
    }

    /// The module's policy with what is given here besides.
    fn policy(&self) -> Result<Policy, Error> {
        let policy = self.module.policy();
        if self.stdin.is_some() && !policy.grantable.contains(&GrantKey::Stdin) {
            return Err(Error::Rejected(PolicyError::Grant(GrantKey::Stdin).into()));
        }
        if self.args.is_empty() && self.env.is_empty() {
            return Ok(policy.clone());
        }
        let with_args = policy.adjust().args(self.args.iter().cloned());
        self.env.iter().fold(with_args, |builder, (name, value)| builder.env(name, value)).build()
    }

    fn streams(&self, stdin: Option<Vec<u8>>) -> (ambit_runtime::Streams, Captured) {
        let Streams { stdout, stderr, log, captured } = Streams::new(&self.stdout, &self.stderr, self.log.as_ref());
        let stdin = stdin.map(|bytes| Box::new(Cursor::new(bytes)) as _);
        (ambit_runtime::Streams { stdin, stdout, stderr, log }, captured)
    }

    /// A request for the one run: its input is taken.
    fn request(&mut self) -> Result<(RunRequest, Captured), Error> {
        let policy = self.policy()?;
        let stdin = self.stdin.take();
        let (streams, captured) = self.streams(stdin);
        let request = RunRequest {
            module: ambit_runtime::Module::Loaded(self.module.loaded().clone()),
            policy: policy.in_force().clone(),
            call: Call::command(self.module.verified())?,
            streams,
            since: None,
            name: self.module.name_arc(),
            tenant: self.module.tenant(),
        };
        Ok((request, captured))
    }

    /// A request for an instance, one of several if it is reset.
    fn instance_request(&self) -> Result<(InstanceRequest, Captured), Error> {
        let (streams, captured) = self.streams(self.stdin.clone());
        let request = InstanceRequest {
            module: self.module.loaded().clone(),
            policy: self.policy()?.in_force().clone(),
            streams,
            name: self.module.name_arc(),
            tenant: self.module.tenant(),
        };
        Ok((request, captured))
    }
}
