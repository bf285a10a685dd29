//! Admission from outside: every limit, feature and import rule, and bytes that mean harm.

mod again;
mod bombs;
mod borders;
mod check;
mod components;
mod facts;
mod features;
mod hostile;
mod imports;
mod limits;
