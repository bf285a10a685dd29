//! What can fail on the way into a jail.

use std::io;

use ambit_core::Layer;
use serde::{Deserialize, Serialize};

/// A step on the way into a jail that failed. Nothing of a guest has run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("cannot {step}: {errno}")]
pub struct JailError {
    /// The layer that is missing for it; `None` if it is no layer that failed, but the machine (no memory, no processes).
    pub layer: Option<Layer>,
    /// What was tried.
    pub step: String,
    /// What the kernel said.
    pub errno: String,
}

impl JailError {
    /// `step` failed, and with it `layer`.
    pub fn new(layer: Layer, step: impl Into<String>, error: &io::Error) -> Self {
        Self { layer: Some(layer), step: step.into(), errno: error.to_string() }
    }

    /// `step` failed.
    pub fn other(step: impl Into<String>, error: &io::Error) -> Self {
        Self { layer: None, step: step.into(), errno: error.to_string() }
    }
}
