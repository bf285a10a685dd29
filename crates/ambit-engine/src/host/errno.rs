//! Error numbers of WASI preview 1.

use rustix::io::Errno as Os;

/// Declares the numbers and their translation from the operating system's.
macro_rules! errnos {
    ($( $Name:ident = $number:literal $(= $($os:ident)|+)?, )*) => {
        /// An error number of WASI preview 1.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "the names are those of POSIX")]
        pub enum Errno { $( $Name = $number, )* }

        impl From<Os> for Errno {
            fn from(os: Os) -> Self {
                match os {
                    $($( $(Os::$os)|+ => Errno::$Name, )?)*
                    _ => Errno::Io,
                }
            }
        }
    };
}

errnos! {
    TooBig = 1 = TOOBIG,
    Acces = 2 = ACCESS,
    Again = 6 = AGAIN,
    Badf = 8 = BADF,
    Busy = 10 = BUSY,
    Dquot = 19 = DQUOT,
    Exist = 20 = EXIST,
    Fault = 21 = FAULT,
    Fbig = 22 = FBIG,
    Ilseq = 25 = ILSEQ,
    Intr = 27 = INTR,
    Inval = 28 = INVAL,
    Io = 29 = IO,
    Isdir = 31 = ISDIR,
    Loop = 32 = LOOP,
    Mfile = 33 = MFILE | NFILE,
    Mlink = 34 = MLINK,
    NameTooLong = 37 = NAMETOOLONG,
    Nodev = 43 = NODEV,
    Noent = 44 = NOENT,
    Nomem = 48 = NOMEM,
    Nospc = 51 = NOSPC,
    Nosys = 52 = NOSYS,
    Notdir = 54 = NOTDIR,
    Notempty = 55 = NOTEMPTY,
    Notsock = 57,
    Notsup = 58 = NOTSUP,
    Notty = 59 = NOTTY,
    Nxio = 60 = NXIO,
    Overflow = 61 = OVERFLOW,
    Perm = 63 = PERM,
    Pipe = 64 = PIPE,
    Range = 68 = RANGE,
    Rofs = 69 = ROFS,
    Spipe = 70 = SPIPE,
    Txtbsy = 74 = TXTBSY,
    // RESOLVE_BENEATH answers EXDEV when a path would leave its directory.
    Notcapable = 76 = XDEV,
}

impl Errno {
    /// The number as functions of WASI preview 1 return it.
    pub const fn raw(self) -> i32 {
        self as i32
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Self {
        error.raw_os_error().map_or(Errno::Io, |os| Os::from_raw_os_error(os).into())
    }
}
