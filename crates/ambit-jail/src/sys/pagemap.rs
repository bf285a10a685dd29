//! Whether the kernel finds pages that were written to.
#![expect(unsafe_code, reason = "an ioctl that nobody wraps")]

use std::{fs::File, os::fd::AsRawFd};

/// `PAGEMAP_SCAN`.
const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;

/// Whether this kernel has `PAGEMAP_SCAN` (Linux 6.7), and lets this process use it on itself.
pub(crate) fn pagemap_scan() -> bool {
    let Ok(pagemap) = File::open("/proc/self/pagemap") else { return false };
    // The kernel's `struct pm_scan_arg`: its size, then numbers, for which zero means none. A scan of nothing.
    let mut arg = [0_u64; 12];
    arg[0] = size_of_val(&arg) as u64;
    // SAFETY: `arg` is as long as the structure that the kernel reads and writes, and outlives the call; it names no other
    // memory, since the range to be scanned and the list to be filled are empty.
    let done = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, arg.as_mut_ptr()) };
    // A kernel that has it may still have something against a scan of nothing; one that has it not says so.
    done == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ENOTTY)
}
