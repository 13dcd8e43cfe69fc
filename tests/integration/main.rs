//! The integration tests, through real sockets and real processes; one module a topic.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "a test binary exports nothing; support serves every module"
)]

mod convergence; // clients that come and go agree at the end
mod crash; // kill -9 in the middle of writes
mod journey; // a newcomer's first hour
mod plans; // the main lists scan and sort nothing whole
mod retention; // what is kept, and for how long
mod storage; // full, taken, newer, gone for a moment
mod structure; // the imports run one way
mod support; // servers, databases, clients
