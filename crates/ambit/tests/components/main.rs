//! Functions of components, called with the values of their own types.

mod any;
mod identity;
mod round_trip;
