//! WASI preview 1.
//!
//! Each function takes the host's side, the guest's memory and its arguments as wasm passes them. Most end at once
//! ([`Now`]); those that may have to wait give back [`Progress`]. An adapter links all of them with
//! [`for_each_function!`](crate::for_each_p1_function) and turns [`Fail::Errno`] into the number returned.

mod args;
mod clock;
mod create;
mod fd;
mod list;
mod open;
mod paths;
mod poll;
mod random;
mod read_write;
mod socket;
mod stat;

pub use args::{args_get, args_sizes_get, environ_get, environ_sizes_get};
pub use clock::{clock_res_get, clock_time_get};
pub use create::{path_create_directory, path_link, path_symlink};
pub use fd::{
    fd_advise, fd_allocate, fd_close, fd_datasync, fd_fdstat_get, fd_fdstat_set_flags, fd_fdstat_set_rights, fd_prestat_dir_name,
    fd_prestat_get, fd_renumber, fd_seek, fd_sync, fd_tell,
};
pub use list::fd_readdir;
pub use open::path_open;
pub use paths::{path_readlink, path_remove_directory, path_rename, path_unlink_file};
pub use poll::{poll_oneoff, sched_yield};
pub use random::random_get;
pub use read_write::{fd_pread, fd_pwrite, fd_read, fd_write};
pub use socket::{sock_accept, sock_recv, sock_send, sock_shutdown};
pub use stat::{fd_filestat_get, fd_filestat_set_size, fd_filestat_set_times, path_filestat_get, path_filestat_set_times};

use super::{Errno, Fail, GuestMemory, Host, Progress, Stop, memory::field};

/// A call that ends at once.
pub type Now = Result<(), Fail>;

/// `proc_exit(code)`.
///
/// # Errors
/// Always: the guest does not go on.
pub fn proc_exit(_host: &mut Host, _memory: &mut GuestMemory<'_>, code: i32) -> Now {
    Err(Stop::Exit(code).into())
}

/// Calls a macro with every function: `now` or `wait`, its name, and its parameters. `proc_exit` and `proc_raise` are
/// not among them: the one returns nothing, the other is never linked.
#[macro_export]
macro_rules! for_each_p1_function {
    ($each:ident) => {
        $each! {
            now args_get(argv: i32, buf: i32);
            now args_sizes_get(count: i32, size: i32);
            now clock_res_get(id: i32, out: i32);
            now clock_time_get(id: i32, precision: i64, out: i32);
            now environ_get(environ: i32, buf: i32);
            now environ_sizes_get(count: i32, size: i32);
            now fd_advise(fd: i32, offset: i64, len: i64, advice: i32);
            now fd_allocate(fd: i32, offset: i64, len: i64);
            now fd_close(fd: i32);
            now fd_datasync(fd: i32);
            now fd_fdstat_get(fd: i32, out: i32);
            now fd_fdstat_set_flags(fd: i32, flags: i32);
            now fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64);
            now fd_filestat_get(fd: i32, out: i32);
            now fd_filestat_set_size(fd: i32, size: i64);
            now fd_filestat_set_times(fd: i32, atim: i64, mtim: i64, flags: i32);
            now fd_pread(fd: i32, iovs: i32, iovs_len: i32, offset: i64, out: i32);
            now fd_prestat_get(fd: i32, out: i32);
            now fd_prestat_dir_name(fd: i32, path: i32, path_len: i32);
            now fd_pwrite(fd: i32, iovs: i32, iovs_len: i32, offset: i64, out: i32);
            wait fd_read(fd: i32, iovs: i32, iovs_len: i32, out: i32);
            now fd_readdir(fd: i32, buf: i32, buf_len: i32, cookie: i64, out: i32);
            now fd_renumber(from: i32, to: i32);
            now fd_seek(fd: i32, offset: i64, whence: i32, out: i32);
            now fd_sync(fd: i32);
            now fd_tell(fd: i32, out: i32);
            wait fd_write(fd: i32, iovs: i32, iovs_len: i32, out: i32);
            now path_create_directory(fd: i32, path: i32, path_len: i32);
            now path_filestat_get(fd: i32, flags: i32, path: i32, path_len: i32, out: i32);
            now path_filestat_set_times(fd: i32, flags: i32, path: i32, path_len: i32, atim: i64, mtim: i64, fst_flags: i32);
            now path_link(old_fd: i32, old_flags: i32, old: i32, old_len: i32, new_fd: i32, new: i32, new_len: i32);
            now path_open(fd: i32, dirflags: i32, path: i32, path_len: i32, oflags: i32, base: i64, inheriting: i64, fdflags: i32, out: i32);
            now path_readlink(fd: i32, path: i32, path_len: i32, buf: i32, buf_len: i32, out: i32);
            now path_remove_directory(fd: i32, path: i32, path_len: i32);
            now path_rename(old_fd: i32, old: i32, old_len: i32, new_fd: i32, new: i32, new_len: i32);
            now path_symlink(old: i32, old_len: i32, fd: i32, new: i32, new_len: i32);
            now path_unlink_file(fd: i32, path: i32, path_len: i32);
            wait poll_oneoff(subscriptions: i32, events: i32, count: i32, out: i32);
            wait random_get(buf: i32, len: i32);
            wait sched_yield();
            now sock_accept(fd: i32, flags: i32, out: i32);
            now sock_recv(fd: i32, data: i32, data_len: i32, flags: i32, out: i32, out_flags: i32);
            now sock_send(fd: i32, data: i32, data_len: i32, flags: i32, out: i32);
            now sock_shutdown(fd: i32, how: i32);
        }
    };
}

/// An address or length of the guest's: wasm has no unsigned type, wasi means one.
const fn u(value: i32) -> u32 {
    value.cast_unsigned()
}

/// A path argument.
fn path<'m>(memory: &'m GuestMemory<'_>, ptr: i32, len: i32) -> Result<&'m [u8], Errno> {
    super::path::check(memory.slice(u(ptr), u(len))?)
}
