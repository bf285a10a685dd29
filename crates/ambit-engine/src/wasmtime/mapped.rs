//! Machine code that is mapped from a file: shared by every process that maps the same, and read only as it is needed.
#![expect(unsafe_code, reason = "memory is mapped, and made executable")]

use std::{fs::File, io, ptr::NonNull};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use wasmtime::CustomCodeMemory;

/// A file in memory. Whoever uses what [`Mapped::bytes`] points to keeps this for as long.
pub(super) struct Mapped {
    bytes: NonNull<[u8]>,
}

// SAFETY: it is memory that is only read, and only given back by whoever has it for himself.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps the whole of `file`.
    pub(super) fn new(file: &File) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).ok().filter(|&length| length > 0);
        let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an artifact without contents"))?;
        // SAFETY: a new mapping at a place of the kernel's choice changes no memory that anybody has.
        let at = unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, file, 0)? };
        let at = NonNull::new(at.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { bytes: NonNull::slice_from_raw_parts(at, length) })
    }

    pub(super) fn bytes(&self) -> NonNull<[u8]> {
        self.bytes
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, whole, and nobody uses it any more: see the type. Nothing can be done about a failure.
        let _ = unsafe { rustix::mm::munmap(self.bytes.as_ptr().cast(), self.bytes.len()) };
    }
}

/// Makes code executable that is mapped and not copied: Wasmtime does so itself only with memory of its own.
pub(super) struct Executable;

impl CustomCodeMemory for Executable {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, ptr: *const u8, len: usize) -> wasmtime::Result<()> {
        // SAFETY: Wasmtime passes the text of an artifact that it has just mapped, or that a `Mapped` holds: whole pages of it,
        // which nobody writes to any more.
        unsafe { Ok(rustix::mm::mprotect(ptr.cast_mut().cast(), len, MprotectFlags::READ | MprotectFlags::EXEC)?) }
    }

    fn unpublish_executable(&self, ptr: *const u8, len: usize) -> wasmtime::Result<()> {
        // SAFETY: as above; nothing of it runs any more.
        unsafe { Ok(rustix::mm::mprotect(ptr.cast_mut().cast(), len, MprotectFlags::READ)?) }
    }
}
