//! The engine's contract, driven by hand: Engine → Artifact → Program → Guest, without a scheduler.

mod access;
mod calls;
mod capabilities;
mod components;
mod drive;
mod exchange;
mod functions;
mod interpreter;
mod kept;
mod nested;
mod traps;
