//! Frames out of a stream of bytes.

use super::WireError;

/// The version of what is said. Both ends are one program, so there is only ever one.
const VERSION: u8 = 1;
const MARK: u8 = b'A';
const HEADER: usize = 8;

/// Room that is kept when everything has been taken. More is given back: one long message must not cost memory for ever.
const KEPT: usize = 256 << 10;

/// Bytes that came, out of which frames are taken. Holds at most one frame and what came with its last byte.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How many of them have been taken. They go when more come: going with each frame, every frame would move all others.
    taken: usize,
    /// The most bytes of one message.
    most: u32,
    /// The most descriptors of one message.
    most_fds: u8,
}

impl Frames {
    /// Takes frames of at most `most` bytes with at most `most_fds` descriptors.
    pub fn new(most: u32, most_fds: u8) -> Self {
        Self { bytes: Vec::new(), taken: 0, most, most_fds }
    }

    /// Takes no larger frames from now on.
    pub(super) fn takes_at_most(&mut self, most: u32) {
        self.most = self.most.min(most);
    }

    /// Adds what came.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        if self.bytes.len() < KEPT {
            self.bytes.shrink_to(KEPT);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, and how many descriptors belong to it; `None` if it is not there in full.
    ///
    /// # Errors
    /// What came is no frame, or goes beyond the caps: known by its header, before anything of that size is kept.
    pub fn take(&mut self) -> Result<Option<(&[u8], usize)>, WireError> {
        let Some((header, rest)) = self.bytes[self.taken..].split_first_chunk::<HEADER>() else { return Ok(None) };
        let [mark, version, fds, zero, length @ ..] = *header;
        let length = u32::from_le_bytes(length);
        if mark != MARK || version != VERSION || zero != 0 {
            return Err(WireError::NoFrame);
        }
        if length > self.most {
            return Err(WireError::TooLong { length, most: self.most });
        }
        if fds > self.most_fds {
            return Err(WireError::Descriptors);
        }
        let length = length as usize;
        let Some(message) = rest.get(..length) else { return Ok(None) };
        self.taken += HEADER + length;
        Ok(Some((message, usize::from(fds))))
    }
}

/// A message as a frame.
///
/// # Errors
/// It is longer than the other end takes, or has more descriptors than a frame can say.
pub fn frame(message: &[u8], most: u32, fds: usize) -> Result<Vec<u8>, WireError> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    if length > most {
        return Err(WireError::TooLong { length, most });
    }
    let fds = u8::try_from(fds).map_err(|_| WireError::Descriptors)?;
    let mut bytes = Vec::with_capacity(HEADER + message.len());
    bytes.extend_from_slice(&[MARK, VERSION, fds, 0]);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(message);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_or_not_at_all() {
        let mut frames = Frames::new(10, 1);
        let bytes = [frame(b"one", 10, 1).expect("short"), frame(b"", 10, 0).expect("short")].concat();
        for byte in &bytes[..bytes.len() - 1] {
            frames.extend(&[*byte]);
            if frames.bytes.len() == HEADER + 3 {
                assert_eq!(frames.take().expect("a frame"), Some((&b"one"[..], 1)));
            } else {
                assert_eq!(frames.take().expect("no error"), None);
            }
        }
        frames.extend(&bytes[bytes.len() - 1..]);
        assert_eq!(frames.take().expect("a frame"), Some((&b""[..], 0)));
        assert_eq!(frames.take().expect("no error"), None);
    }

    #[test]
    fn a_long_message_is_not_paid_for_twice() {
        let mut frames = Frames::new(8 << 20, 0);
        frames.extend(&frame(&vec![0; 8 << 20], 8 << 20, 0).expect("within its cap"));
        assert!(frames.take().is_ok_and(|message| message.is_some_and(|(message, _)| message.len() == 8 << 20)));
        frames.extend(b"A");
        assert!(frames.bytes.capacity() <= 2 * KEPT, "{}", frames.bytes.capacity());
    }

    #[test]
    fn what_is_none_is_refused_by_its_header() {
        let check = |header: [u8; 8], expect: &str| {
            let mut frames = Frames::new(10, 1);
            frames.extend(&header);
            assert_eq!(frames.take().map_err(|error| error.to_string()), Err(expect.to_owned()), "{header:?}");
        };
        check(*b"B\x01\0\0\0\0\0\0", "what came is no frame of this version");
        check(*b"A\x02\0\0\0\0\0\0", "what came is no frame of this version");
        check(*b"A\x01\0\x01\0\0\0\0", "what came is no frame of this version");
        check(*b"A\x01\0\0\x0b\0\0\0", "a message of 11 bytes; at most 10 are taken");
        check(*b"A\x01\0\0\xff\xff\xff\xff", "a message of 4294967295 bytes; at most 10 are taken");
        check(*b"A\x01\x02\0\0\0\0\0", "descriptors came that were not announced or not expected");
    }
}
