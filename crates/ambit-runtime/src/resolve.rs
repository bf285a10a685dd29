//! Grants to descriptors, before the guest exists.

use std::{io, os::fd::OwnedFd, path::Path, sync::Arc};

use ambit_core::{Access, Grants, RejectReason, Rejection, Stdin};
use ambit_engine::host::{EmptyInput, FdInput, GuestInput, HostSpec, Preopen};
use rustix::fs::{Mode, OFlags};

use crate::{request::Streams, scratch::Scratch};

/// What a guest gets, and what must be removed after it.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) host: HostSpec,
    pub(crate) scratch: Option<Scratch>,
}

/// Opens everything that `grants` name.
pub(crate) fn resolve(grants: &Grants, streams: Streams, name: Arc<str>) -> Result<Resolved, Rejection> {
    // Destructured in full: a new grant does not compile until it is resolved here or refused at admission.
    let Grants { args, env, stdin, dirs, tmp, clock, random, functions, .. } = grants;
    let Grants { net: _, listen: _, http: _, kv: _, config: _, secrets: _, logging: _, metrics: _, .. } = grants;
    grants.check()?;
    let mut preopens = Vec::with_capacity(dirs.len() + 1);
    for dir in dirs {
        let fd = open_dir(&dir.host).map_err(|error| cannot_open("directory", &dir.host, &error))?;
        preopens.push(Preopen { fd: Arc::new(fd), guest: dir.guest.clone(), access: dir.access, capacity: None });
    }
    let scratch = match tmp {
        None => None,
        Some(size) => {
            let made = Scratch::new().map_err(|error| cannot_open("temporary directory in", &std::env::temp_dir(), &error))?;
            let fd = open_dir(made.path()).map_err(|error| cannot_open("directory", made.path(), &error))?;
            let capacity = Some(size.get());
            preopens.push(Preopen { fd: Arc::new(fd), guest: "/tmp".into(), access: Access::ReadWrite, capacity });
            Some(made)
        }
    };
    let stdin: Box<dyn GuestInput> = match (streams.stdin, stdin) {
        (Some(given), _) => given,
        (None, Stdin::None) => Box::new(EmptyInput),
        (None, Stdin::Inherit) => {
            Box::new(FdInput::new(inherited_stdin().map_err(|error| cannot_open("stream", Path::new("stdin"), &error))?))
        }
        (None, Stdin::File(path)) => {
            // Not blocking, so that a FIFO without a writer is waited for under the deadline.
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| cannot_open("file", path, &error.into()))?;
            Box::new(FdInput::new(file))
        }
    };
    let host = HostSpec {
        name,
        args: args.clone(),
        env: env.clone(),
        stdin,
        stdout: streams.stdout,
        stderr: streams.stderr,
        log: streams.log,
        preopens,
        clock: *clock,
        random: *random,
        functions: functions.clone(),
    };
    Ok(Resolved { host, scratch })
}

fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

fn inherited_stdin() -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?)
}

fn cannot_open(what: &str, path: &Path, error: &io::Error) -> Rejection {
    Rejection::new(RejectReason::NotFound, format!("cannot open the granted {what} `{}`: {error}", path.display()))
}
