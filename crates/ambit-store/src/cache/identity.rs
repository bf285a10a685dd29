//! What compiles, and for which machine.

use std::{
    fmt,
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
};

use ambit_core::EngineId;

/// As many bytes at the start of a program have its build's number, where the linker wrote one.
const HEAD: usize = 4096;

/// What compiles: an engine, in a program, on a processor. Artifacts of one are nothing to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompilerIdentity {
    engine: EngineId,
    engine_version: String,
    processor: String,
    program: String,
}

impl CompilerIdentity {
    /// The engine in the program that `program` is, on this machine.
    ///
    /// # Errors
    /// The program cannot be read.
    pub fn new(engine: EngineId, engine_version: impl Into<String>, program: &File) -> io::Result<Self> {
        let found = program.metadata()?;
        let mut head = vec![0; HEAD];
        let read = program.read_at(&mut head, 0)?;
        // Its build's number if it has one; and what differs between almost any two builds that have none.
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head[..read]);
        hasher.update(format!("{} {} {}", found.size(), found.mtime(), found.mtime_nsec()).as_bytes());
        Ok(Self { engine, engine_version: engine_version.into(), processor: processor(), program: hasher.finalize().to_string() })
    }
}

impl fmt::Display for CompilerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, engine_version, processor, program } = self;
        write!(f, "engine {engine} {engine_version:?}\nprocessor {processor}\nprogram {program}")
    }
}

/// What of a processor decides which instructions are made.
#[cfg(target_arch = "x86_64")]
fn processor() -> String {
    macro_rules! features {
        ($($name:tt),* $(,)?) => {
            [$((std::arch::is_x86_feature_detected!($name), $name)),*]
        };
    }
    // Those that Cranelift has a use for, and some.
    let features = features![
        "sse3",
        "ssse3",
        "sse4.1",
        "sse4.2",
        "popcnt",
        "avx",
        "avx2",
        "fma",
        "bmi1",
        "bmi2",
        "lzcnt",
        "cmpxchg16b",
        "avx512f",
        "avx512dq",
        "avx512vl",
        "avx512bw",
        "avx512bitalg",
        "avx512vbmi",
    ];
    let there: Vec<&str> = features.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect();
    format!("x86_64 {} {}", std::env::consts::OS, there.join(","))
}

/// What of a processor decides which instructions are made.
#[cfg(not(target_arch = "x86_64"))]
fn processor() -> String {
    // The kernel's own list of what a program may use.
    let (hwcap, hwcap2) = rustix::param::linux_hwcap();
    format!("{} {} {hwcap:x} {hwcap2:x}", std::env::consts::ARCH, std::env::consts::OS)
}
