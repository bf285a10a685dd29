//! The state machine that gives each run exactly one end, under a model checker that tries every order of events.
//!
//! A package of its own, since the checker's dependencies are nobody else's. The machine is the scheduler's own source.
#![cfg(test)]

#[expect(dead_code, reason = "the scheduler uses all of it")]
#[path = "../../../crates/ambit-runtime/src/seat.rs"]
mod seat;

mod ends;
