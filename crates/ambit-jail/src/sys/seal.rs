//! The main thread's stack, kept where and what it is.
#![expect(unsafe_code, reason = "no library has mseal")]

use std::{fs, io};

/// Linux's number for it, on every architecture; since 6.10.
const SYS_MSEAL: libc::c_long = 462;

/// Makes it impossible to move, enlarge or unmap the mapping that is the main thread's stack, other than by using it as a stack.
///
/// Moved by `mremap` it may become as large as one likes, and stays a stack to the kernel: counted neither by `RLIMIT_DATA`, since
/// it is one, nor by `RLIMIT_STACK`, which is looked at when a stack grows by itself.
///
/// # Errors
/// The kernel cannot, or there is no `/proc`.
pub(crate) fn seal_stack() -> io::Result<()> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let (start, end) = stack(&maps).ok_or(io::ErrorKind::NotFound)?;
    // SAFETY: takes numbers. What it changes is what later calls may do with the mapping, and of those nothing here makes any.
    match unsafe { libc::syscall(SYS_MSEAL, start, end - start, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// From where to where it reaches.
fn stack(maps: &str) -> Option<(usize, usize)> {
    let line = maps.lines().find(|line| line.ends_with(" [stack]"))?;
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_found() {
        let maps = "7f00-8000 rw-p 00000000 00:00 0\n7ffc9b877000-7ffc9b898000 rw-p 00000000 00:00 0    [stack]\n";
        assert_eq!(stack(maps), Some((0x7ffc_9b87_7000, 0x7ffc_9b89_8000)));
        assert_eq!(stack("7f00-8000 rw-p 00000000 00:00 0 [heap]\n"), None);
        let (start, end) = stack(&fs::read_to_string("/proc/self/maps").expect("/proc")).expect("every process has one");
        assert!(start < end);
    }
}
