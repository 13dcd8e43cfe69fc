//! The scenarios, one file each: what is set up, what is measured, what is reported.

pub(crate) mod fanout;
pub(crate) mod idle;
pub(crate) mod ops;
pub(crate) mod storm;
