//! Registries that lie, each in its own way, and what becomes of it: nothing that was not asked for is kept, and nobody is told what is
//! none of his business.

mod addresses;
mod content;
mod digests;
mod kept;
mod layouts;
mod liar;
mod pushing;
mod shapes;
mod streams;
