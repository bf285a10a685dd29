//! Bytes in, bytes out, through a guest's memory.

use std::sync::Arc;

use ambit_admit::{ExternType, FuncType, ModuleKind, ValType, Verified};
use ambit_core::{Digest, RejectReason, Rejection, TrapKind, escape};

use super::{Call, Target, callable, find, initializes, not_found, policy};
use crate::{
    access::{AccessError, Exported},
    ended::Ended,
};

/// A function that a core module exports for exchanging bytes, looked up once and called as often as one likes: JSON,
/// MessagePack, or whatever the two sides agree on.
///
/// The convention is that of 32-bit addresses and unsigned numbers. The module exports
///
/// | export | type | what |
/// |---|---|---|
/// | `memory` | memory | where both messages lie |
/// | `alloc` | `(i32) -> i32` | room for as many bytes, or 0 if there is none |
/// | the function | `(i32, i32) -> i64` | takes address and length of the input; gives `address << 32 \| length` of the reply |
/// | `free` | `(i32, i32) -> ()` | takes back address and length of a reply; may be missing |
///
/// In one call the host asks `alloc` for the input's length, copies the input there, calls the function, copies the reply
/// out, once, and gives it back with `free`. The input is the function's to keep or to free. Every address and length is
/// checked in 64 bits against the memory as it is at that moment; one that does not hold traps
/// ([`TrapKind::Exchange`]), and so does a reply longer than allowed.
///
/// Input and reply lie in host memory too: no more than was given, and no more than `most_output` allows. That memory is the
/// caller's and is not charged to the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    module: Digest,
    name: Arc<str>,
    initialize: bool,
    frees: bool,
}

/// An exchange under way: what goes in, and what may come out. For engines, which make the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    name: Arc<str>,
    input: Vec<u8>,
    most_output: u64,
    frees: bool,
}

/// A reply, copied out of the guest's memory, and where it lay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply.
    pub bytes: Vec<u8>,
    /// Its address in the guest's memory.
    pub address: u32,
    /// Its length in bytes.
    pub len: u32,
}

impl Exchange {
    /// The name of the memory.
    pub const MEMORY: &str = "memory";
    /// The name of the function that makes room.
    pub const ALLOC: &str = "alloc";
    /// The name of the function that takes replies back.
    pub const FREE: &str = "free";

    /// The function that `module` exports as `name`.
    ///
    /// # Errors
    /// There is no such function; or the module does not keep the convention: an export is missing or of another type, or
    /// its memory has 64-bit addresses.
    pub fn find(module: &Verified, name: impl AsRef<str> + Into<Arc<str>>) -> Result<Self, Rejection> {
        let shown = || escape(name.as_ref(), 128);
        if module.kind() == ModuleKind::Component {
            return Err(not_found("bytes cannot be exchanged with components in this version; run it as a program"));
        }
        let Some(ty) = find(module, name.as_ref()) else {
            return Err(not_found(format!("the module exports no function `{}`; {}", shown(), callable(module))));
        };
        check(&shown(), ty, &[ValType::I32, ValType::I32], &[ValType::I64])?;
        match module.export(Self::MEMORY).map(|export| &export.ty) {
            Some(ExternType::Memory(memory)) if memory.is64 => {
                return Err(signature("the memory `memory` has 64-bit addresses, and an exchange passes 32-bit ones"));
            }
            Some(ExternType::Memory(_)) => {}
            _ => return Err(signature("an exchange needs a memory, and the module exports none as `memory`")),
        }
        let Some(alloc) = find(module, Self::ALLOC) else {
            return Err(signature("an exchange needs `alloc: (i32) -> i32`, and the module exports no such function"));
        };
        check(Self::ALLOC, alloc, &[ValType::I32], &[ValType::I32])?;
        let free = find(module, Self::FREE);
        if let Some(free) = free {
            check(Self::FREE, free, &[ValType::I32, ValType::I32], &[])?;
        }
        Ok(Self { module: module.digest(), name: name.into(), initialize: initializes(module), frees: free.is_some() })
    }

    /// A call with this input and a reply of at most `most_output` bytes, after `_initialize` if the module has that.
    ///
    /// # Errors
    /// The input is longer than 32 bits can say.
    pub fn call(&self, input: Vec<u8>, most_output: u64) -> Result<Call, Rejection> {
        if u32::try_from(input.len()).is_err() {
            return Err(policy(format!("an input of {} bytes is longer than 32-bit addresses reach", input.len())));
        }
        let message = Message { name: Arc::clone(&self.name), input, most_output, frees: self.frees };
        Ok(Call { module: self.module, initialize: self.initialize, target: Target::Exchange(message) })
    }
}

fn check(name: &str, ty: &FuncType, params: &[ValType], results: &[ValType]) -> Result<(), Rejection> {
    if ty.params == params && ty.results == results {
        return Ok(());
    }
    let wanted = FuncType { params: params.to_vec(), results: results.to_vec() };
    Err(signature(format!("an exchange needs `{name}` to be {wanted}, and in this module it is {ty}")))
}

fn signature(message: impl Into<String>) -> Rejection {
    Rejection::new(RejectReason::Signature, message)
}

impl Message {
    /// The function that takes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the reply is to be given back with `free`.
    pub fn frees(&self) -> bool {
        self.frees
    }

    /// The input's length in bytes.
    pub fn len(&self) -> u32 {
        u32::try_from(self.input.len()).unwrap_or(u32::MAX)
    }

    /// Whether the input has no bytes.
    pub fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// Copies the input to where `alloc` said that there is room.
    ///
    /// # Errors
    /// How the call ends: there is none.
    pub fn put(&self, address: u32, memory: &mut [u8]) -> Result<(), Ended> {
        let len = self.len();
        if address == 0 && len > 0 {
            return Err(broken(format!("`alloc({len})` gave 0: the guest has no room for its input")));
        }
        match AccessError::check(Exported::Memory, address.into(), len.into(), memory.len()) {
            Ok(range) => memory[range].copy_from_slice(&self.input),
            Err(_) => {
                let size = memory.len();
                return Err(broken(format!("`alloc({len})` gave {address:#x}, but the guest's memory ends at {size:#x}")));
            }
        }
        Ok(())
    }

    /// Copies the reply out of the guest's memory, from where the function said that it lies: `address << 32 | length`.
    ///
    /// # Errors
    /// How the call ends: the reply does not lie in memory, or is longer than it may be.
    pub fn take(&self, packed: u64, memory: &[u8]) -> Result<Reply, Ended> {
        let [address, len] = [packed >> 32, packed & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
        let said = || format!("`{}` gave a reply of {len} bytes at {address:#x}", escape(&*self.name, 128));
        if u64::from(len) > self.most_output {
            return Err(broken(format!("{}, and it may have {}", said(), self.most_output)));
        }
        match AccessError::check(Exported::Memory, address.into(), len.into(), memory.len()) {
            Ok(range) => Ok(Reply { bytes: memory[range].to_vec(), address, len }),
            Err(_) => Err(broken(format!("{}, but the guest's memory ends at {:#x}", said(), memory.len()))),
        }
    }
}

/// The guest did not keep the convention.
fn broken(message: String) -> Ended {
    Ended::Trapped { trap: TrapKind::Exchange, message, frames: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(input: &[u8], most_output: u64) -> Message {
        Message { name: Arc::from("f"), input: input.to_vec(), most_output, frees: false }
    }

    fn words(ended: Ended) -> String {
        match ended {
            Ended::Trapped { trap: TrapKind::Exchange, message, .. } => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_input_goes_where_there_is_room() {
        let mut memory = [0; 64];
        assert_eq!(message(b"four", 0).put(60, &mut memory), Ok(()));
        assert_eq!(&memory[60..], b"four");
        assert_eq!(message(b"", 0).put(0, &mut memory), Ok(()), "nothing fits anywhere");
        assert_eq!(message(b"", 0).put(64, &mut memory), Ok(()));
        for address in [61, 64, 1 << 31, u32::MAX - 3, u32::MAX] {
            let ended = message(b"four", 0).put(address, &mut memory).expect_err("outside");
            assert_eq!(words(ended), format!("`alloc(4)` gave {address:#x}, but the guest's memory ends at 0x40"));
        }
        assert_eq!(
            words(message(b"x", 0).put(0, &mut memory).expect_err("null")),
            "`alloc(1)` gave 0: the guest has no room for its input"
        );
        assert_eq!(&memory[56..], b"\0\0\0\0four", "nothing was half written");
    }

    #[test]
    fn the_reply_is_copied_from_where_it_lies() {
        let memory: Vec<u8> = (0..64).collect();
        let take = |address: u64, len: u64| message(b"", 16).take(address << 32 | len, &memory);
        assert_eq!(take(60, 4), Ok(Reply { bytes: vec![60, 61, 62, 63], address: 60, len: 4 }));
        assert_eq!(take(64, 0).map(|reply| reply.bytes), Ok(Vec::new()));
        assert_eq!(take(0, 16).map(|reply| reply.bytes.len()), Ok(16));
        let max = u64::from(u32::MAX);
        for (address, len) in [(61, 4), (64, 1), (65, 0), (max, 0), (max, 16), (max - 15, 16)] {
            let expect = format!("`f` gave a reply of {len} bytes at {address:#x}, but the guest's memory ends at 0x40");
            assert_eq!(words(take(address, len).expect_err("outside")), expect);
        }
        for len in [17, max] {
            let expect = format!("`f` gave a reply of {len} bytes at 0x0, and it may have 16");
            assert_eq!(words(take(0, len).expect_err("too long")), expect);
        }
    }
}
