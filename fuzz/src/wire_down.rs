//! What a jailed process hears. Its parent is believed, so what must hold is that nothing is misunderstood.

use std::fmt::Debug;

use ambit_jail::{
    JailSpec, SyscallPolicy, Use,
    wire::{Frames, MOST_DOWN, ToCompiler, ToWorker, decode, encode},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{input::Input, memory::bounded};

/// Memory for what is heard, as a multiple of it. An empty argument is one byte, and 24 in memory, which grow by doubling.
const TIMES: usize = 64;

/// The first bytes say what is expected, and whether in frames; the rest is what is said.
pub fn wire_down(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let hear = [hear::<ToWorker>, hear::<ToCompiler>, hear_spec];
    let (hear, in_frames) = (hear[input.below(hear.len())], input.bool());
    let said = input.rest();
    if !in_frames {
        return hear(said);
    }
    let mut frames = Frames::new(MOST_DOWN, 128);
    bounded(said.len(), TIMES, || frames.extend(said));
    while let Ok(Some((message, fds))) = frames.take() {
        assert!(fds <= 128);
        hear(message);
    }
}

/// What is understood is the same when it is said again.
fn hear<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &[u8]) {
    let _ = heard::<T>(message);
}

fn heard<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &[u8]) -> Option<T> {
    let heard: T = bounded(message.len(), TIMES, || decode(message).ok())?;
    let again = encode(&heard).expect("it came over the wire");
    assert_eq!(decode::<T>(&again).as_ref().ok(), Some(&heard));
    Some(heard)
}

/// Whatever system calls are asked for beyond its list, no jail is left without one.
fn hear_spec(message: &[u8]) {
    let Some(spec) = heard::<JailSpec>(message) else { return };
    for use_ in [Use::Process, Use::Tenant, Use::Compiler] {
        let policy = SyscallPolicy::of(spec.engine, use_, true).with(&spec.syscalls);
        for name in ["ptrace", "execve", "clone3", "socket", "mount"] {
            assert!(!policy.iter().flat_map(SyscallPolicy::rules).any(|rule| rule.name == name), "{name}");
        }
    }
}
