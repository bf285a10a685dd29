//! Functions of components, called with the values of their own types.

mod any;
mod calls;
mod identity;
mod interfaces;
mod round_trip;
