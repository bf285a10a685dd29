//! The file system of preview 2, over the same files, guards and quotas as preview 1.
//!
//! The interface is wasmtime-wasi's, and its resources carry wasmtime-wasi's types as names only: what the table holds under
//! them is this host's, and nothing of wasmtime-wasi's own file system is linked.

use std::{collections::VecDeque, ops::ControlFlow, sync::Arc};

use rustix::fs::{FileType, Stat};
use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, IoError,
    bindings::filesystem::{
        preopens,
        types::{
            self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, Filesize, HostDescriptor,
            HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
        },
    },
};

use super::{
    MOST, View,
    file_streams::{FileError, Reader, Writer},
    file_types::{self, follows, new_time},
};
use crate::{
    host::{
        Errno, Stop,
        descriptor::{Dir, File, OpenSlot},
        files::{self, Listing, Opened},
        writable,
    },
    meter::Meter,
};

/// Entries of a directory that are read ahead.
const PAGE: usize = 128;

type Fd = Resource<types::Descriptor>;
type Entries = Resource<types::DirectoryEntryStream>;

/// What a descriptor of a component's stands for.
enum Descriptor {
    /// Shared with its streams, which outlive the descriptor.
    File(Arc<File>),
    Dir(Dir),
}

/// A listing under way. A directory has no more than a page of its entries here, which are charged.
struct EntryStream {
    listing: Listing,
    page: VecDeque<Result<DirectoryEntry, Errno>>,
    charged: u64,
    meter: Arc<Meter>,
    _slot: OpenSlot,
}

impl Drop for EntryStream {
    fn drop(&mut self) {
        self.meter.release_buffer(self.charged);
    }
}

/// The same resource, by what the table holds.
fn held<T: 'static, U: 'static>(resource: &Resource<T>) -> Resource<U> {
    if resource.owned() { Resource::new_own(resource.rep()) } else { Resource::new_borrow(resource.rep()) }
}

impl View<'_> {
    fn descriptor(&self, fd: &Fd) -> Result<&Descriptor, ResourceTableError> {
        self.table.get(&held(fd))
    }

    fn file(&self, fd: &Fd) -> FsResult<&Arc<File>> {
        match self.descriptor(fd)? {
            Descriptor::File(file) => Ok(file),
            Descriptor::Dir(_) => Err(ErrorCode::IsDirectory.into()),
        }
    }

    fn dir(&self, fd: &Fd) -> FsResult<&Dir> {
        match self.descriptor(fd)? {
            Descriptor::Dir(dir) => Ok(dir),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    fn push(&mut self, descriptor: Descriptor) -> Result<Fd, ResourceTableError> {
        Ok(held(&self.table.push(descriptor)?))
    }

    fn name<'p>(&self, name: &'p str) -> Result<&'p [u8], Errno> {
        files::checked(&self.host.meter, name.as_bytes())
    }

    fn fstat(&self, fd: &Fd) -> FsResult<Stat> {
        let stat = match self.descriptor(fd)? {
            Descriptor::File(file) => rustix::fs::fstat(&file.fd),
            Descriptor::Dir(dir) => rustix::fs::fstat(&dir.fd),
        };
        Ok(stat.map_err(Errno::from)?)
    }

    fn stat_of(&self, fd: &Fd, flags: PathFlags, name: &str) -> FsResult<Stat> {
        Ok(files::stat(&self.host.meter, self.dir(fd)?, self.name(name)?, follows(flags))?)
    }

    fn writer(&mut self, fd: &Fd, position: Option<Filesize>) -> FsResult<Resource<DynOutputStream>> {
        let file = self.file(fd)?;
        if !file.write {
            return Err(ErrorCode::NotPermitted.into());
        }
        let writer: DynOutputStream = Box::new(Writer::new(Arc::clone(file), Arc::clone(&self.host.meter), position));
        Ok(self.table.push(writer)?)
    }
}

impl preopens::Host for View<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let preopened: Vec<Dir> = self.host.descriptors.preopened().collect();
        let named = preopened.into_iter().map(|dir| {
            let name = dir.mount.guest.clone();
            Ok((self.push(Descriptor::Dir(dir))?, name))
        });
        named.collect()
    }
}

impl types::Host for View<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        let error = self.table.get(&error)?;
        Ok(error.downcast_ref().map(|&FileError(errno)| file_types::code(errno)))
    }
}

impl HostDescriptor for View<'_> {
    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        let file = self.file(&fd)?;
        if !file.read {
            return Err(ErrorCode::BadDescriptor.into());
        }
        let reader: DynInputStream = Box::new(Reader::new(Arc::clone(file), offset));
        Ok(self.table.push(reader)?)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        self.writer(&fd, Some(offset))
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        self.writer(&fd, None)
    }

    async fn advise(&mut self, fd: Fd, offset: Filesize, len: Filesize, advice: Advice) -> FsResult<()> {
        let file = self.file(&fd)?;
        let result = rustix::fs::fadvise(&file.fd, offset, len.try_into().ok(), file_types::advice(advice));
        Ok(result.map_err(Errno::from)?)
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        match self.descriptor(&fd)? {
            Descriptor::File(file) => Ok(rustix::fs::fdatasync(&file.fd).map_err(Errno::from)?),
            Descriptor::Dir(_) => Ok(()),
        }
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        match self.descriptor(&fd)? {
            Descriptor::File(file) => Ok(rustix::fs::fsync(&file.fd).map_err(Errno::from)?),
            Descriptor::Dir(_) => Ok(()),
        }
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        let when = |condition, flag| if condition { flag } else { DescriptorFlags::empty() };
        Ok(match self.descriptor(&fd)? {
            Descriptor::File(file) => {
                when(file.read, DescriptorFlags::READ)
                    | when(file.write, DescriptorFlags::WRITE)
                    | file_types::sync_flags(file.sync)
            }
            Descriptor::Dir(dir) => DescriptorFlags::READ | when(writable(dir.mount.access), DescriptorFlags::MUTATE_DIRECTORY),
        })
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        Ok(file_types::kind(FileType::from_raw_mode(self.fstat(&fd)?.st_mode)))
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        Ok(self.file(&fd)?.set_size(&self.host.meter, size)?)
    }

    async fn set_times(&mut self, fd: Fd, accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<()> {
        let times = files::timestamps(new_time(accessed), new_time(modified))?;
        let set = match self.descriptor(&fd)? {
            Descriptor::File(file) => files::set_file_times(file, &times),
            Descriptor::Dir(dir) => files::set_dir_times(&self.host.meter, dir, &times),
        };
        Ok(set?)
    }

    async fn read(&mut self, fd: Fd, len: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        let mut buf = vec![0; usize::try_from(len).unwrap_or(MOST).min(MOST)];
        let read = self.file(&fd)?.read(&mut buf, offset)?;
        buf.truncate(read);
        Ok((buf, read == 0))
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        let bytes = [std::io::IoSlice::new(&bytes)];
        Ok(self.file(&fd)?.write(&self.host.meter, &bytes, Some(offset))? as Filesize)
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Entries> {
        let slot = OpenSlot::take(&self.host.meter)?;
        let listing = Listing::of(self.dir(&fd)?)?;
        let meter = Arc::clone(&self.host.meter);
        Ok(held(&self.table.push(EntryStream { listing, page: VecDeque::new(), charged: 0, meter, _slot: slot })?))
    }

    async fn create_directory_at(&mut self, fd: Fd, name: String) -> FsResult<()> {
        Ok(files::create_directory(&self.host.meter, self.dir(&fd)?, self.name(&name)?)?)
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        Ok(file_types::described(&self.fstat(&fd)?))
    }

    async fn stat_at(&mut self, fd: Fd, flags: PathFlags, name: String) -> FsResult<DescriptorStat> {
        Ok(file_types::described(&self.stat_of(&fd, flags, &name)?))
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        name: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let times = files::timestamps(new_time(accessed), new_time(modified))?;
        Ok(files::set_times_at(&self.host.meter, self.dir(&fd)?, self.name(&name)?, follows(flags), &times)?)
    }

    async fn link_at(&mut self, fd: Fd, flags: PathFlags, old: String, new_fd: Fd, new: String) -> FsResult<()> {
        if follows(flags) {
            return Err(ErrorCode::Invalid.into());
        }
        let (old_dir, new_dir) = (self.dir(&fd)?, self.dir(&new_fd)?);
        Ok(files::link(&self.host.meter, (old_dir, self.name(&old)?), (new_dir, self.name(&new)?))?)
    }

    async fn open_at(&mut self, fd: Fd, path: PathFlags, name: String, open: OpenFlags, flags: DescriptorFlags) -> FsResult<Fd> {
        let request = file_types::request(path, open, flags)?;
        let opened = match files::open(&self.host.meter, self.dir(&fd)?, self.name(&name)?, request)? {
            Opened::File(file) => Descriptor::File(Arc::new(file)),
            Opened::Dir(dir) => Descriptor::Dir(dir),
        };
        Ok(self.push(opened)?)
    }

    async fn readlink_at(&mut self, fd: Fd, name: String) -> FsResult<String> {
        let target = files::read_link(&self.host.meter, self.dir(&fd)?, self.name(&name)?)?;
        Ok(String::from_utf8(target).map_err(|_| Errno::Ilseq)?)
    }

    async fn remove_directory_at(&mut self, fd: Fd, name: String) -> FsResult<()> {
        Ok(files::remove_directory(&self.host.meter, self.dir(&fd)?, self.name(&name)?)?)
    }

    async fn rename_at(&mut self, fd: Fd, old: String, new_fd: Fd, new: String) -> FsResult<()> {
        let (old_dir, new_dir) = (self.dir(&fd)?, self.dir(&new_fd)?);
        Ok(files::rename(&self.host.meter, (old_dir, self.name(&old)?), (new_dir, self.name(&new)?))?)
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, name: String) -> FsResult<()> {
        Ok(files::symlink(&self.host.meter, target.as_bytes(), self.dir(&fd)?, self.name(&name)?)?)
    }

    async fn unlink_file_at(&mut self, fd: Fd, name: String) -> FsResult<()> {
        Ok(files::unlink(&self.host.meter, self.dir(&fd)?, self.name(&name)?)?)
    }

    async fn is_same_object(&mut self, one: Fd, other: Fd) -> wasmtime::Result<bool> {
        self.descriptor(&one)?;
        self.descriptor(&other)?;
        // Whatever cannot be looked at is not known to be the same as anything.
        let of = |fd| self.fstat(fd).map(|stat| (stat.st_dev, stat.st_ino)).ok();
        Ok(of(&one).is_some_and(|one| of(&other) == Some(one)))
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        Ok(file_types::identity(&self.fstat(&fd)?))
    }

    async fn metadata_hash_at(&mut self, fd: Fd, flags: PathFlags, name: String) -> FsResult<MetadataHashValue> {
        Ok(file_types::identity(&self.stat_of(&fd, flags, &name)?))
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        self.table.delete::<Descriptor>(held(&fd))?;
        Ok(())
    }
}

impl HostDirectoryEntryStream for View<'_> {
    async fn read_directory_entry(&mut self, entries: Entries) -> FsResult<Option<DirectoryEntry>> {
        let stream: &mut EntryStream = self.table.get_mut(&held(&entries))?;
        if stream.page.is_empty() {
            stream.turn()?;
        }
        Ok(stream.page.pop_front().transpose()?)
    }

    fn drop(&mut self, entries: Entries) -> wasmtime::Result<()> {
        self.table.delete::<EntryStream>(held(&entries))?;
        Ok(())
    }
}

impl EntryStream {
    /// Reads the next page. One that comes out empty is the end.
    fn turn(&mut self) -> FsResult<()> {
        self.meter.release_buffer(std::mem::take(&mut self.charged));
        self.fill()?;
        let names: usize = self.page.iter().flatten().map(|entry| entry.name.len()).sum();
        let bytes = (names + self.page.len() * size_of::<Result<DirectoryEntry, Errno>>()) as u64;
        self.meter.keep_buffer(bytes).map_err(|_| FsError::trap(wasmtime::Error::new(Stop::Limit)))?;
        self.charged = bytes;
        Ok(())
    }

    fn fill(&mut self) -> Result<(), Errno> {
        let page = &mut self.page;
        let mut resume = None;
        self.listing.read(|entry| {
            if page.len() == PAGE {
                return Ok(ControlFlow::Break(()));
            }
            resume = Some(entry.next);
            if !matches!(entry.name, b"." | b"..") {
                let name = String::from_utf8(entry.name.to_vec()).map_err(|_| Errno::Ilseq);
                page.push_back(name.map(|name| DirectoryEntry { type_: file_types::kind(entry.kind), name }));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        match resume {
            Some(next) => self.listing.seek(next),
            None => Ok(()),
        }
    }
}
