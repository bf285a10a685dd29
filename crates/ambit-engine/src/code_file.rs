//! Machine code in a file, and who answers for it.
#![expect(unsafe_code, reason = "to say that machine code is to be run is to run it")]

use std::fs::File;

/// A file of machine code that an engine of this version compiled, or that runs where it can do no harm.
#[derive(Debug)]
pub struct CodeFile(File);

impl CodeFile {
    /// Says that what `file` holds may be run as part of this process.
    ///
    /// # Safety
    /// It is what this version of the engine compiled, for the module and settings that it is then used with, and nobody
    /// changes it while it is mapped; or this process is one whose every instruction may be a guest's.
    pub unsafe fn trust(file: File) -> Self {
        Self(file)
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}
