//! Reading and writing.

use std::io::IoSlice;

use super::{Errno, Fail, GuestMemory, Host, Now, Progress, field, u};
use crate::host::{SharedOutput, descriptor::Descriptor};

/// The most that one call moves. More is a short read or write, which every program must expect; it bounds how long a
/// call takes before the guest can be ended.
const MOST: u32 = 1 << 20;
/// The most that one call writes to a stream.
const MOST_STREAM: u32 = 64 << 10;
/// The most buffers one call may name, as Linux.
const MOST_BUFFERS: u32 = 1024;
/// The most buffers used in one call; the rest is a short write.
const USED_BUFFERS: usize = 16;

/// The guest's list of buffers as addresses and lengths, all checked, with empty ones left out and cut to `most` bytes.
fn buffers(memory: &GuestMemory<'_>, list: i32, count: i32, most: u32) -> Result<Vec<(u32, u32)>, Errno> {
    if u(count) > MOST_BUFFERS {
        return Err(Errno::Inval);
    }
    let mut found = Vec::with_capacity(USED_BUFFERS.min(u(count) as usize));
    let mut room = most;
    for i in 0..u(count) {
        let at = field(u(list), i * 8)?;
        let (ptr, len) = (memory.read_u32(at)?, memory.read_u32(field(at, 4)?)?);
        memory.slice(ptr, len)?;
        let len = len.min(room);
        if len > 0 && found.len() < USED_BUFFERS {
            found.push((ptr, len));
            room -= len;
        }
    }
    Ok(found)
}

fn slices<'m>(memory: &'m GuestMemory<'_>, buffers: &[(u32, u32)]) -> Result<Vec<IoSlice<'m>>, Errno> {
    buffers.iter().map(|&(ptr, len)| memory.slice(ptr, len).map(IoSlice::new)).collect()
}

/// `fd_write`: writes to a stream, or to a file at its own position.
///
/// # Errors
/// The descriptor is not open for writing, a buffer lies outside memory, or a quota is used up.
pub fn fd_write(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    fd: i32,
    iovs: i32,
    iovs_len: i32,
    out: i32,
) -> Result<Progress, Fail> {
    let stream = match host.descriptors.get(fd)? {
        Descriptor::Stdout => &host.stdout,
        Descriptor::Stderr => &host.stderr,
        Descriptor::Stdin => return Err(Errno::Badf.into()),
        Descriptor::Dir(_) => return Err(Errno::Isdir.into()),
        Descriptor::File(file) => {
            let buffers = buffers(memory, iovs, iovs_len, MOST)?;
            let written = file.write(&host.meter, &slices(memory, &buffers)?, None)?;
            memory.write_size(u(out), written)?;
            return Ok(Progress::Done);
        }
    };
    let buffers = buffers(memory, iovs, iovs_len, MOST_STREAM)?;
    write_stream(stream.clone(), memory, buffers, out)
}

fn write_stream(stream: SharedOutput, memory: &mut GuestMemory<'_>, buffers: Vec<(u32, u32)>, out: i32) -> Result<Progress, Fail> {
    if let Some(written) = stream.try_write(&slices(memory, &buffers)?)? {
        memory.write_size(u(out), written)?;
        return Ok(Progress::Done);
    }
    Ok(Progress::wait(stream.writable(), move |_, memory| write_stream(stream, memory, buffers, out)))
}

/// `fd_read`: reads from a stream, or from a file at its own position.
///
/// # Errors
/// The descriptor is not open for reading, or a buffer lies outside memory.
pub fn fd_read(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    fd: i32,
    iovs: i32,
    iovs_len: i32,
    out: i32,
) -> Result<Progress, Fail> {
    let first = buffers(memory, iovs, iovs_len, MOST)?.first().copied();
    let read = match host.descriptors.get(fd)? {
        Descriptor::Stdin => {
            let Some((ptr, len)) = first else {
                memory.write_u32(u(out), 0)?;
                return Ok(Progress::Done);
            };
            match host.stdin.try_read(memory.slice_mut(ptr, len)?).map_err(Errno::from)? {
                Some(read) => read,
                None => {
                    let readable = host.stdin.readable();
                    return Ok(Progress::wait(readable, move |host, memory| fd_read(host, memory, fd, iovs, iovs_len, out)));
                }
            }
        }
        Descriptor::Stdout | Descriptor::Stderr => return Err(Errno::Badf.into()),
        Descriptor::Dir(_) => return Err(Errno::Isdir.into()),
        Descriptor::File(file) if !file.read => return Err(Errno::Badf.into()),
        Descriptor::File(file) => match first {
            Some((ptr, len)) => rustix::io::read(&file.fd, memory.slice_mut(ptr, len)?).map_err(Errno::from)?,
            None => 0,
        },
    };
    memory.write_size(u(out), read)?;
    Ok(Progress::Done)
}

/// `fd_pread`: reads from a file at an offset.
///
/// # Errors
/// As [`fd_read`]; streams have no offsets.
pub fn fd_pread(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, iovs: i32, iovs_len: i32, offset: i64, out: i32) -> Now {
    let file = positioned(host, fd)?;
    if !file.read {
        return Err(Errno::Badf.into());
    }
    let read = match buffers(memory, iovs, iovs_len, MOST)?.first() {
        Some(&(ptr, len)) => file.read(memory.slice_mut(ptr, len)?, offset.cast_unsigned())?,
        None => 0,
    };
    Ok(memory.write_size(u(out), read)?)
}

/// `fd_pwrite`: writes to a file at an offset.
///
/// # Errors
/// As [`fd_write`]; streams have no offsets.
pub fn fd_pwrite(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, iovs: i32, iovs_len: i32, offset: i64, out: i32) -> Now {
    let file = positioned(host, fd)?;
    let buffers = buffers(memory, iovs, iovs_len, MOST)?;
    let written = file.write(&host.meter, &slices(memory, &buffers)?, Some(offset.cast_unsigned()))?;
    Ok(memory.write_size(u(out), written)?)
}

fn positioned(host: &Host, fd: i32) -> Result<&crate::host::descriptor::File, Errno> {
    match host.descriptors.get(fd)? {
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Err(Errno::Spipe),
        Descriptor::File(_) | Descriptor::Dir(_) => host.descriptors.file(fd),
    }
}
