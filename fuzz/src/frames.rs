//! A stream gives the same messages wherever it is cut.

use ambit_jail::wire::Frames;

use crate::input::Input;

/// The most bytes of a message here: small, so that an engine finds both sides of it.
const MOST: u32 = 600;
const MOST_FDS: u8 = 3;

/// A message and its number of descriptors.
type Message = (Vec<u8>, usize);

/// What comes of a stream: messages, and the error that ends it, if one does.
type Heard = (Vec<Message>, Option<String>);

/// The first byte says how many cuts there are, then one byte each says how far on; the rest is the stream.
pub fn frames(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let cuts = input.list(32, |input| usize::from(input.byte()));
    let stream = input.rest();
    let whole = hear([stream]);
    assert_eq!(whole, expected(stream));
    assert_eq!(hear(pieces(stream, &cuts)), whole, "{cuts:?}");
    assert_eq!(hear(stream.chunks(1)), whole, "byte by byte");
}

fn pieces<'a>(mut stream: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &cut in cuts {
        let (piece, rest) = stream.split_at(cut.min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

fn hear<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let mut frames = Frames::new(MOST, MOST_FDS);
    let mut messages = Vec::new();
    for piece in pieces {
        frames.extend(piece);
        loop {
            match frames.take() {
                Ok(Some((message, fds))) => messages.push((message.to_vec(), fds)),
                Ok(None) => break,
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
    }
    (messages, None)
}

/// The same by another way: frame after frame of a stream that is there in full.
fn expected(mut stream: &[u8]) -> Heard {
    let mut messages = Vec::new();
    while let [mark, version, fds, zero, a, b, c, d, rest @ ..] = stream {
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        let error = match (mark, version, zero) {
            (b'A', 1, 0) if length > MOST => Some(format!("a message of {length} bytes; at most {MOST} are taken")),
            (b'A', 1, 0) if *fds > MOST_FDS => Some("descriptors came that were not announced or not expected".into()),
            (b'A', 1, 0) => None,
            _ => Some("what came is no frame of this version".into()),
        };
        if error.is_some() {
            return (messages, error);
        }
        let Some((message, rest)) = rest.split_at_checked(length as usize) else { break };
        messages.push((message.to_vec(), usize::from(*fds)));
        stream = rest;
    }
    (messages, None)
}
