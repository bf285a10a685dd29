//! The command line as a person uses it: through the real binary, checking what it prints and how it exits.

mod ambit;
mod bounds;
mod cache;
mod classic_root;
mod clock_steps;
mod config;
mod diff;
mod docker_registry;
mod doctor;
mod engines;
mod errors;
mod grants;
mod images;
mod place;
#[path = "../program.rs"]
mod program;
mod programs;
mod reading;
mod regressions;
mod repeat;
mod report;
mod signals;
mod signatures;
mod skipped;
mod store;
mod surroundings;
mod terminal;
mod toolchains;
