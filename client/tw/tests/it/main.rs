//! `tw` as a process, against the scripted server of the client's tests on a real port.

mod account;
mod away;
mod by_http;
mod commands;
mod export;
mod hostile;
mod lists;
mod programs;
mod refresh;
#[path = "../../../tests/it/support/mod.rs"]
#[allow(dead_code, unused_imports)] // the client's own tests use all of it
mod script;
mod sessions;
mod sign_in;
mod silent;
mod socket;
mod support;
mod watch;
