//! Arguments and environment.

use super::{Errno, GuestMemory, Host, Now, field, u};

/// `args_sizes_get`: how many arguments, and how many bytes they take with their NULs.
///
/// # Errors
/// An address outside the guest's memory.
pub fn args_sizes_get(host: &mut Host, memory: &mut GuestMemory<'_>, count: i32, size: i32) -> Now {
    sizes(memory, host.argv().map(str::len), count, size)
}

/// `args_get`: the arguments, NUL-terminated, and pointers to them.
///
/// # Errors
/// An address outside the guest's memory.
pub fn args_get(host: &mut Host, memory: &mut GuestMemory<'_>, argv: i32, buf: i32) -> Now {
    strings(memory, host.argv().map(|arg| arg.as_bytes().to_vec()), argv, buf)
}

/// `environ_sizes_get`: how many variables, and how many bytes they take as `NAME=VALUE` with their NULs.
///
/// # Errors
/// An address outside the guest's memory.
pub fn environ_sizes_get(host: &mut Host, memory: &mut GuestMemory<'_>, count: i32, size: i32) -> Now {
    sizes(memory, host.env.iter().map(|(name, value)| name.len() + 1 + value.len()), count, size)
}

/// `environ_get`: the variables as `NAME=VALUE`, NUL-terminated, and pointers to them.
///
/// # Errors
/// An address outside the guest's memory.
pub fn environ_get(host: &mut Host, memory: &mut GuestMemory<'_>, environ: i32, buf: i32) -> Now {
    strings(memory, host.env.iter().map(|(name, value)| format!("{name}={value}").into_bytes()), environ, buf)
}

fn sizes(memory: &mut GuestMemory<'_>, lengths: impl Iterator<Item = usize>, count: i32, size: i32) -> Now {
    let (items, bytes) = lengths.fold((0, 0), |(items, bytes), len| (items + 1, bytes + len + 1));
    memory.write_size(u(count), items)?;
    memory.write_size(u(size), bytes)?;
    Ok(())
}

fn strings(memory: &mut GuestMemory<'_>, items: impl Iterator<Item = Vec<u8>>, pointers: i32, buf: i32) -> Now {
    let (mut pointer, mut at) = (u(pointers), u(buf));
    for mut item in items {
        item.push(0);
        memory.write_u32(pointer, at)?;
        memory.write(at, &item)?;
        pointer = field(pointer, 4)?;
        at = field(at, u32::try_from(item.len()).map_err(|_| Errno::Overflow)?)?;
    }
    Ok(())
}
