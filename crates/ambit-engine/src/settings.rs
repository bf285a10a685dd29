//! How a module is compiled: a value that whoever keeps artifacts knows too.

pub use ambit_core::CompileSettings as Settings;
