//! No list of system calls is longer than it must be: each rule is taken out in turn, and then something that worked does not.
//!
//! Benign guests run as `ambit` runs them, in its own compilers and workers, and those are also hung up on, stopped, given a
//! fault and left without memory. What none of that needs and is on a list all the same stands in [`UNSHOWN`](lists::UNSHOWN),
//! with the reason.

mod guests;
mod lists;
mod worst;
