//! A directory with something to steal next to it.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::PathBuf,
};

use tempfile::TempDir;

/// A granted directory with links, a FIFO and a socket in it, and a secret outside.
pub(crate) struct Fixture {
    root: TempDir,
    _socket: UnixListener,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let inside = root.path().join("inside");
        let outside = root.path().join("outside");
        fs::create_dir_all(inside.join("sub/etc")).expect("made");
        fs::write(inside.join("sub/etc/passwd"), "nobody\n").expect("written");
        fs::create_dir_all(&outside).expect("made");
        fs::write(outside.join("secret.txt"), "secret\n").expect("written");
        fs::write(inside.join("hello.txt"), "hello\n").expect("written");
        fs::write(inside.join("sub/inner.txt"), "inner\n").expect("written");
        symlink("../outside/secret.txt", inside.join("link-out")).expect("linked");
        symlink("/etc/passwd", inside.join("abs")).expect("linked");
        symlink("sub/inner.txt", inside.join("link-in")).expect("linked");
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, inside.join("fifo"), fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR, 0)
            .expect("made");
        let socket = UnixListener::bind(inside.join("sock")).expect("bound");
        Self { root, _socket: socket }
    }

    /// The directory that is granted.
    pub(crate) fn inside(&self) -> PathBuf {
        self.root.path().join("inside")
    }

    /// What lies outside is as it was.
    pub(crate) fn is_untouched(&self) -> bool {
        fs::read(self.root.path().join("outside/secret.txt")).is_ok_and(|bytes| bytes == b"secret\n")
    }
}
