//! System calls that nobody should make: by number, without a wrapper that might refuse them first.

#![expect(unsafe_code, reason = "these calls have no safe wrapper, or are made in a way that none makes them")]

/// Makes a call and gives its result, or its error as a negative number.
///
/// What it does to this process is the caller's matter: each is a process for one call, made from a single thread, and
/// ends after it. Pointers among the arguments come from [`ptr`] or are null.
pub(crate) fn call(number: i64, args: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = args;
    // SAFETY: the callers of this test pass null, or pointers to live buffers of the size that the call has; none maps
    // over memory that is in use or leaves a handler behind, as the process makes no second attempt.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 { -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)) } else { result }
}

/// Makes a call that may give a second process, which ends at once.
pub(crate) fn fork(number: i64, args: [u64; 6]) -> i64 {
    let result = call(number, args);
    if result == 0 {
        // SAFETY: it ends, and runs nothing of this process's on the way.
        unsafe { libc::_exit(0) };
    }
    result
}

/// The address of a buffer, for a call.
pub(crate) fn ptr<T>(buffer: &mut T) -> u64 {
    std::ptr::from_mut(buffer) as u64
}

/// A call by the door of 32-bit programs, where numbers mean other calls: 20 asks for the process, and is harmless.
#[cfg(target_arch = "x86_64")]
pub(crate) fn call_32(number: i32) -> i64 {
    let result: i32;
    // SAFETY: the kernel preserves every register but the one with the result, and those named as lost.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("eax") number => result, lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _);
    }
    result.into()
}
