//! Whatever can be said is heard as it was said.

use std::fmt::Debug;

use ambit_jail::wire::{Frames, MOST_DOWN, MOST_UP, decode, encode, frame};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    input::Input,
    messages::{from_compiler, from_worker, spec, to_compiler, to_worker},
};

/// The bytes say what is said.
pub fn round_trip(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(5) {
        0 => there_and_back(&from_worker(&mut input), MOST_UP, 0),
        1 => there_and_back(&from_compiler(&mut input), MOST_UP, 0),
        2 => there_and_back(&to_worker(&mut input), MOST_DOWN, 128),
        3 => there_and_back(&to_compiler(&mut input), MOST_DOWN, 128),
        _ => there_and_back(&spec(&mut input), MOST_DOWN, 128),
    }
}

fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(said: &T, most: u32, fds: u8) {
    let message = encode(said).expect("it can be said");
    let bytes = frame(&message, most, fds.into()).expect("it is short");
    let mut frames = Frames::new(most, fds);
    frames.extend(&bytes);
    let heard = frames.take().expect("a frame").expect("all of it");
    assert_eq!(heard.1, usize::from(fds));
    assert_eq!(&decode::<T>(heard.0).expect("a message"), said);
}
