//! The jailed process: it enters as the product does, and makes one attempt.

use std::{cell::RefCell, os::fd::OwnedFd, process::ExitCode, time::Duration};

use ambit_core::Layer;
use ambit_jail::{Entered, JailError, Phase, Purpose, begin, enter, receive_spec, wire::Channel};
use serde::{Deserialize, Serialize};

use crate::{
    jail::Stage,
    probe::{Given, make},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What it is told after what to enter.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) probe: String,
    pub(crate) with: String,
    pub(crate) stage: Stage,
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Entered(Vec<Layer>),
    NotEntered(JailError),
    Came(String),
}

pub(crate) fn be() -> ExitCode {
    let mut channel = begin().expect("a control socket");
    let (spec, dirs) = receive_spec(&mut channel).expect("what to enter");
    let (order, fds): (Order, Vec<OwnedFd>) = channel.receive().expect("what to do");
    let job = RefCell::new(Some(Job { channel, order, fds }));
    // An attempt that is made on the way in is the last thing of any meaning that this process does.
    let stop_at = |stage: Stage| {
        if let Some(job) = job.borrow_mut().take_if(|job| job.order.stage == stage) {
            job.make();
        }
    };
    let entered = enter(
        &spec,
        dirs,
        || stop_at(Stage::Spawned),
        || {
            stop_at(Stage::Below);
            Ok(())
        },
    );
    let Some(job) = job.into_inner() else { return ExitCode::SUCCESS };
    match entered {
        Ok(Entered { layers, dirs: _, page: _, syscalls, helpers: () }) => {
            if spec.purpose == Purpose::Process && job.order.stage == Stage::Running {
                syscalls.install(Phase::Running).expect("the second list");
            }
            job.say(&Answer::Entered(layers));
            job.make();
        }
        Err(error) => job.say(&Answer::NotEntered(error)),
    }
    ExitCode::SUCCESS
}

struct Job {
    channel: Channel,
    order: Order,
    fds: Vec<OwnedFd>,
}

impl Job {
    fn make(self) {
        let Self { channel, order: Order { probe, with, stage: _ }, fds } = self;
        let said = make(&probe, &Given { with, fds });
        channel.send(&Answer::Came(said), &[], PATIENCE).expect("say what came of it");
    }

    fn say(&self, answer: &Answer) {
        self.channel.send(answer, &[], PATIENCE).expect("say it");
    }
}
