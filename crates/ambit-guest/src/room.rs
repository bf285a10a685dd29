//! Room for messages in the guest's memory. The only file of this crate with unsafe code.
#![expect(unsafe_code, reason = "the buffers are shared by exported functions, which the host calls by name")]

use core::{
    cell::UnsafeCell,
    hint,
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Release},
    },
};

use std_alloc::{collections::BTreeMap, vec::Vec};

/// Buffers that the host knows the addresses of.
static ROOM: Room = Room { taken: AtomicBool::new(false), buffers: UnsafeCell::new(BTreeMap::new()) };

/// Buffers by address. That they are all here makes every address that comes from outside one that can be looked up, so that
/// nothing needs to be believed.
struct Room {
    taken: AtomicBool,
    buffers: UnsafeCell<BTreeMap<usize, Vec<u8>>>,
}

// SAFETY: `Room::with` is the only way to the buffers, and `taken` lets in one thread at a time.
unsafe impl Sync for Room {}

impl Room {
    fn with<R>(&self, act: impl FnOnce(&mut BTreeMap<usize, Vec<u8>>) -> R) -> R {
        while self.taken.swap(true, Acquire) {
            hint::spin_loop();
        }
        // SAFETY: nobody else is between the two writes to `taken`, here or on another thread, so this reference is the only
        // one as long as it lives; `act` cannot keep it.
        let result = act(unsafe { &mut *self.buffers.get() });
        self.taken.store(false, Release);
        result
    }

    /// Keeps a buffer until it is taken. Gives back its address: 0 of an empty one, which need not be kept.
    fn keep(&self, mut buffer: Vec<u8>) -> usize {
        if buffer.is_empty() {
            return 0;
        }
        // The host writes to it: its address is exposed for that.
        let address = buffer.as_mut_ptr().expose_provenance();
        self.with(|buffers| buffers.insert(address, buffer));
        address
    }

    /// The buffer of this address and length.
    fn take(&self, address: usize, len: usize) -> Option<Vec<u8>> {
        if len == 0 {
            return Some(Vec::new());
        }
        self.with(|buffers| match buffers.get(&address) {
            Some(buffer) if buffer.len() == len => buffers.remove(&address),
            _ => None,
        })
    }
}

/// Makes room for `len` bytes. Gives back its address, or 0 if there is none or `len` is 0: what the export `alloc` does.
pub fn alloc(len: u32) -> u32 {
    let Ok(len) = usize::try_from(len) else { return 0 };
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(len).is_err() {
        return 0;
    }
    buffer.resize(len, 0);
    short(ROOM.keep(buffer))
}

/// Takes back what [`alloc`] or a reply made room for, if `address` and `len` are that: what the export `free` does.
pub fn free(address: u32, len: u32) {
    drop(input(address, len));
}

/// Keeps a reply until the host has read it: `address << 32 | length`.
pub(crate) fn reply(bytes: Vec<u8>) -> u64 {
    let len = short(bytes.len());
    u64::from(short(ROOM.keep(bytes))) << 32 | u64::from(len)
}

/// The input that the host wrote to this address, if it is one that [`alloc`] gave.
pub(crate) fn input(address: u32, len: u32) -> Option<Vec<u8>> {
    ROOM.take(usize::try_from(address).ok()?, usize::try_from(len).ok()?)
}

fn short(number: usize) -> u32 {
    u32::try_from(number).expect("addresses of guests have 32 bits")
}

/// The exports. Not where a C library has a `free` of its own, which these would take the place of.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod exports {
    // SAFETY: no other symbol has this name: there is no C library.
    #[unsafe(no_mangle)]
    extern "C" fn alloc(len: u32) -> u32 {
        super::alloc(len)
    }

    // SAFETY: no other symbol has this name: there is no C library.
    #[unsafe(no_mangle)]
    extern "C" fn free(address: u32, len: u32) {
        super::free(address, len);
    }
}

#[cfg(test)]
mod tests {
    use std_alloc::vec;

    use super::*;

    fn room() -> Room {
        Room { taken: AtomicBool::new(false), buffers: UnsafeCell::new(BTreeMap::new()) }
    }

    #[test]
    fn what_is_kept_is_taken_once() {
        let room = room();
        let address = room.keep(vec![1, 2, 3]);
        let other = room.keep(vec![4]);
        assert_ne!(address, other);
        assert_eq!(room.take(address, 2), None, "of another length");
        assert_eq!(room.take(address + 1, 2), None, "inside of one");
        assert_eq!(room.take(address, 3), Some(vec![1, 2, 3]));
        assert_eq!(room.take(address, 3), None, "taken");
        assert_eq!(room.take(other, 1), Some(vec![4]));
    }

    #[test]
    fn nothing_takes_no_room() {
        let room = room();
        assert_eq!(room.keep(Vec::new()), 0);
        assert_eq!((room.take(0, 0), room.take(77, 0)), (Some(Vec::new()), Some(Vec::new())));
        assert_eq!(room.take(0, 1), None);
        assert_eq!(room.with(|buffers| buffers.len()), 0);
    }

    #[test]
    fn exports_take_garbage_calmly() {
        assert_eq!(alloc(0), 0);
        free(0, 0);
        free(u32::MAX, u32::MAX);
        free(8, 8);
        assert_eq!(reply(Vec::new()), 0);
        assert_eq!(input(1, 1), None);
    }
}
