//! A guest's open files and directories.

use std::{
    fmt,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use ambit_core::Access;
use rustix::fs::OFlags;

use super::{
    Errno, Host,
    files::{Listing, Opened},
};
use crate::meter::Meter;

/// A directory of the host's that a guest is given, opened before the guest exists.
#[derive(Debug, Clone)]
pub struct Preopen {
    /// The directory.
    pub fd: Arc<OwnedFd>,
    /// Its path as the guest sees it.
    pub guest: String,
    /// What may be done in it.
    pub access: Access,
    /// At most this many bytes may be written into it over the run, besides the limit `disk`.
    pub capacity: Option<u64>,
}

/// What all descriptors below one preopened directory share.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) guest: String,
    pub(crate) access: Access,
    capacity: Option<u64>,
    written: AtomicU64,
}

impl Mount {
    /// Charges bytes against the directory's own capacity.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), Errno> {
        let total = self.written.load(Relaxed).saturating_add(bytes);
        if self.capacity.is_some_and(|capacity| total > capacity) {
            return Err(Errno::Nospc);
        }
        self.written.store(total, Relaxed);
        Ok(())
    }

    /// Takes back what was not written.
    pub(crate) fn give(&self, bytes: u64) {
        self.written.fetch_sub(bytes, Relaxed);
    }
}

/// A descriptor that the limit on open files was charged with, until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenSlot(Arc<Meter>);

impl OpenSlot {
    /// Charges one.
    ///
    /// # Errors
    /// No more may be open.
    pub(crate) fn take(meter: &Arc<Meter>) -> Result<Self, Errno> {
        meter.take_open().map_err(|_| Errno::Mfile)?;
        Ok(Self(Arc::clone(meter)))
    }
}

impl Drop for OpenSlot {
    fn drop(&mut self) {
        self.0.give_open();
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) fd: OwnedFd,
    pub(crate) mount: Arc<Mount>,
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) append: bool,
    /// None, `SYNC` or `DSYNC`.
    pub(crate) sync: OFlags,
    pub(crate) _slot: OpenSlot,
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    pub(crate) fd: Arc<OwnedFd>,
    pub(crate) mount: Arc<Mount>,
    /// What it is charged as; those that were there from the start are not.
    pub(crate) slot: Option<OpenSlot>,
    /// Opened when first listed by preview 1.
    pub(crate) listing: Option<Listing>,
}

impl Dir {
    /// A directory that is there from the start.
    fn preopened(fd: Arc<OwnedFd>, mount: Arc<Mount>) -> Self {
        Self { fd, mount, slot: None, listing: None }
    }
}

#[derive(Debug)]
pub(crate) enum Descriptor {
    Stdin,
    Stdout,
    Stderr,
    File(File),
    Dir(Dir),
}

/// A guest's table of descriptors. 0, 1 and 2 are standard streams, preopened directories follow.
pub(crate) struct Descriptors {
    slots: Vec<Option<Descriptor>>,
}

impl Descriptors {
    pub(crate) fn new(preopens: Vec<Preopen>) -> Self {
        let dirs = preopens.into_iter().map(|Preopen { fd, guest, access, capacity }| {
            let mount = Arc::new(Mount { guest, access, capacity, written: AtomicU64::new(0) });
            Descriptor::Dir(Dir::preopened(fd, mount))
        });
        let standard = [Descriptor::Stdin, Descriptor::Stdout, Descriptor::Stderr];
        Self { slots: standard.into_iter().chain(dirs).map(Some).collect() }
    }

    pub(crate) fn get(&self, fd: i32) -> Result<&Descriptor, Errno> {
        usize::try_from(fd).ok().and_then(|fd| self.slots.get(fd)?.as_ref()).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: i32) -> Result<&mut Descriptor, Errno> {
        usize::try_from(fd).ok().and_then(|fd| self.slots.get_mut(fd)?.as_mut()).ok_or(Errno::Badf)
    }

    pub(crate) fn file(&self, fd: i32) -> Result<&File, Errno> {
        match self.get(fd)? {
            Descriptor::File(file) => Ok(file),
            Descriptor::Dir(_) => Err(Errno::Isdir),
            Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Err(Errno::Badf),
        }
    }

    pub(crate) fn dir(&self, fd: i32) -> Result<&Dir, Errno> {
        match self.get(fd)? {
            Descriptor::Dir(dir) => Ok(dir),
            Descriptor::File(_) => Err(Errno::Notdir),
            Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Err(Errno::Badf),
        }
    }

    /// The directories that are there from the start, as new descriptors of their own.
    pub(crate) fn preopened(&self) -> impl Iterator<Item = Dir> {
        self.slots.iter().flatten().filter_map(|descriptor| match descriptor {
            Descriptor::Dir(Dir { fd, mount, slot: None, .. }) => Some(Dir::preopened(Arc::clone(fd), Arc::clone(mount))),
            _ => None,
        })
    }

    /// Puts what was opened into the lowest free slot.
    pub(crate) fn insert(&mut self, opened: Opened) -> Result<i32, Errno> {
        let descriptor = match opened {
            Opened::File(file) => Descriptor::File(file),
            Opened::Dir(dir) => Descriptor::Dir(dir),
        };
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(descriptor);
        i32::try_from(slot).map_err(|_| Errno::Mfile)
    }

    fn remove(&mut self, fd: i32) -> Result<Descriptor, Errno> {
        usize::try_from(fd).ok().and_then(|fd| self.slots.get_mut(fd)?.take()).ok_or(Errno::Badf)
    }
}

impl Host {
    /// Closes a descriptor.
    pub(crate) fn close_descriptor(&mut self, fd: i32) -> Result<(), Errno> {
        self.descriptors.remove(fd).map(drop)
    }

    /// Moves a descriptor to another number, closing what was there.
    pub(crate) fn renumber_descriptor(&mut self, from: i32, to: i32) -> Result<(), Errno> {
        self.descriptors.get(from)?;
        self.descriptors.get(to)?;
        if from != to {
            self.close_descriptor(to)?;
            let moved = self.descriptors.remove(from)?;
            *self.descriptors.slots.get_mut(usize::try_from(to).map_err(|_| Errno::Badf)?).ok_or(Errno::Badf)? = Some(moved);
        }
        Ok(())
    }
}

impl fmt::Debug for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.slots).finish()
    }
}
