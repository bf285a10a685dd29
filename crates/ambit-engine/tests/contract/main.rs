//! The engine's contract, driven by hand: Engine → Artifact → Program → Guest, without a scheduler.

mod access;
mod calls;
mod drive;
mod exchange;
mod functions;
mod kept;
mod nested;
mod traps;
