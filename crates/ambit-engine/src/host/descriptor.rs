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

use super::{Errno, Fail, Host};

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

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) fd: OwnedFd,
    pub(crate) mount: Arc<Mount>,
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) append: bool,
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    pub(crate) fd: Arc<OwnedFd>,
    pub(crate) mount: Arc<Mount>,
    /// Whether it was there from the start.
    pub(crate) preopened: bool,
    /// Opened for listing when first listed: the directory itself may be open for resolution only.
    pub(crate) listing: Option<OwnedFd>,
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
            Descriptor::Dir(Dir { fd, mount, preopened: true, listing: None })
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

    /// Puts a descriptor into the lowest free slot. The caller has charged it as open.
    fn insert(&mut self, descriptor: Descriptor) -> Result<i32, Errno> {
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

/// Whether closing this descriptor frees one that was charged as open.
fn charged(descriptor: &Descriptor) -> bool {
    match descriptor {
        Descriptor::File(_) => true,
        Descriptor::Dir(dir) => !dir.preopened,
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => false,
    }
}

impl Host {
    /// Opens a descriptor with `open`, within the limit on open files.
    pub(crate) fn open_descriptor(&mut self, open: impl FnOnce(&mut Self) -> Result<Descriptor, Fail>) -> Result<i32, Fail> {
        self.meter.take_open().map_err(|_| Errno::Mfile)?;
        let opened = open(self).and_then(|descriptor| Ok(self.descriptors.insert(descriptor)?));
        opened.inspect_err(|_| self.meter.give_open())
    }

    /// Closes a descriptor.
    pub(crate) fn close_descriptor(&mut self, fd: i32) -> Result<(), Errno> {
        let descriptor = self.descriptors.remove(fd)?;
        if charged(&descriptor) {
            self.meter.give_open();
        }
        Ok(())
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
