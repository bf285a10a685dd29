//! What is in files: reading it, and changing it within quotas.

use std::io::IoSlice;

use crate::{
    host::{Errno, descriptor::File},
    meter::Meter,
};

impl File {
    /// Its size in bytes.
    pub(crate) fn size(&self) -> Result<u64, Errno> {
        u64::try_from(rustix::fs::fstat(&self.fd)?.st_size).map_err(|_| Errno::Overflow)
    }

    /// Reads some bytes at `offset`; 0 is the end.
    pub(crate) fn read(&self, buf: &mut [u8], offset: u64) -> Result<usize, Errno> {
        if !self.read {
            return Err(Errno::Badf);
        }
        Ok(rustix::io::pread(&self.fd, buf, offset)?)
    }

    /// Charges a change that leaves the file at least `end` bytes long after writing `bytes` of them, and gives back what
    /// was charged. Writing counts each byte written; growing without writing (a hole, a truncation upwards) counts too,
    /// or a sparse file would be free.
    fn charge(&self, meter: &Meter, end: u64, bytes: u64) -> Result<Charge<'_>, Errno> {
        let size = self.size()?;
        meter.check_file_size(end).map_err(|_| Errno::Fbig)?;
        let amount = bytes.max(end.saturating_sub(size));
        meter.take_disk(amount).map_err(|_| Errno::Nospc)?;
        if let Err(errno) = self.mount.take(amount) {
            meter.give_disk(amount);
            meter.violate("tmp", || format!("write beyond the capacity of {}", ambit_core::escape(&self.mount.guest, 64)));
            return Err(errno);
        }
        Ok(Charge { file: self, amount })
    }

    /// Writes at `offset`, or at the file's own position.
    pub(crate) fn write(&self, meter: &Meter, bufs: &[IoSlice<'_>], offset: Option<u64>) -> Result<usize, Errno> {
        if !self.write {
            return Err(Errno::Badf);
        }
        let bytes: u64 = bufs.iter().map(|buf| buf.len() as u64).sum();
        let start = match offset {
            // Linux appends to such a file whatever the offset is.
            _ if self.append => self.size()?,
            Some(offset) => offset,
            None => rustix::fs::tell(&self.fd)?,
        };
        let end = start.checked_add(bytes).ok_or(Errno::Fbig)?;
        let charge = self.charge(meter, end, bytes)?;
        let result = match offset {
            Some(offset) => rustix::io::pwritev(&self.fd, bufs, offset),
            None => rustix::io::writev(&self.fd, bufs),
        };
        charge.settle(meter, bytes, result.as_ref().map_or(0, |&written| written as u64));
        Ok(result?)
    }

    /// Sets the file's size.
    pub(crate) fn set_size(&self, meter: &Meter, size: u64) -> Result<(), Errno> {
        self.grow(meter, size, |fd| rustix::fs::ftruncate(fd, size))
    }

    /// Reserves space up to `end`.
    pub(crate) fn allocate(&self, meter: &Meter, offset: u64, len: u64) -> Result<(), Errno> {
        let end = offset.checked_add(len).ok_or(Errno::Fbig)?;
        self.grow(meter, end, |fd| rustix::fs::fallocate(fd, rustix::fs::FallocateFlags::empty(), offset, len))
    }

    fn grow(
        &self,
        meter: &Meter,
        end: u64,
        change: impl FnOnce(&std::os::fd::OwnedFd) -> rustix::io::Result<()>,
    ) -> Result<(), Errno> {
        if !self.write {
            return Err(Errno::Badf);
        }
        let charge = self.charge(meter, end, 0)?;
        change(&self.fd).map_err(|error| {
            charge.settle(meter, 1, 0);
            error.into()
        })
    }
}

/// What a change was charged with.
struct Charge<'a> {
    file: &'a File,
    amount: u64,
}

impl Charge<'_> {
    /// Takes back the part that was not done: all of it if nothing was written, otherwise the bytes left over.
    fn settle(&self, meter: &Meter, wanted: u64, written: u64) {
        let back = if written == 0 { self.amount } else { (wanted - written).min(self.amount) };
        meter.give_disk(back);
        self.file.mount.give(back);
    }
}
