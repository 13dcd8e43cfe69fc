//! The load harness: it measures a Taskwire server and checks its promises at the same time. Two programs share this
//! library: `loadtest`, and `loadtest-peers`, which puts the same load on what people would use instead.
//!
//! What a run does:
//! - `command`   the command line of `loadtest`
//! - `scenario`  what is done to the server, one file each; `bars` runs all of them and holds them against `goals`;
//!   `growth` repeats them with more and more of everything; `smoke` runs each for a moment
//! - `limit`     what the machine could do without a server; `rows` writes the rows of an operation by SQL alone
//! - `peers`     `loadtest-peers`: its scenarios, and the protocols of the peers
//!
//! Who loads the server:
//! - `stage`     a stream, its watchers and its writer; `shift` people at work; `away` sockets that come back
//! - `crowd`     many sockets; `accounts` whose they are
//! - `writer`    sends at a `pace`; `person` works in turns that a `metronome` gives, with a `mind` for what to ask and a
//!   `mix` of operations
//! - `requests`  what both send, and how they note the answers
//!
//! What they learn:
//! - `board`     what all sockets count together; `check` compares with the promises; `fault` names each broken one
//! - `meter`     latencies; `timeline` the course of a run; `statistics` medians and slopes
//! - `report`    numbers, curves and checks: as a table, as JSON, as a page, beside an earlier run
//!
//! What they stand on:
//! - `link`      one socket to Taskwire; `answer` and `event` read its frames
//! - `connection` the bytes below it; `websocket` frames them
//! - `server_options` which server is loaded; `target` starts and stops it; `processes` its CPU and memory
//! - `machine`   cores, open files and signals; `facts` which machine this is
//! - `options`   the numbers of the command line; `progress` what a person sees while waiting; `stop` Ctrl-C
//!
//! One thread does everything except keeping time, so `--pin` gives the server one core and the harness the other.

mod accounts;
mod answer;
mod away;
mod bars;
mod board;
mod check;
mod command;
mod connection;
mod crowd;
mod event;
mod facts;
mod fault;
mod goals;
mod growth;
mod limit;
mod link;
mod lock;
mod machine;
mod meter;
mod metronome;
mod mind;
mod mix;
mod options;
mod pace;
mod peers;
mod person;

mod processes;
mod progress;
mod report;
mod requests;
mod rows;
mod scenario;
mod server_options;
mod shift;
mod smoke;
mod stage;
mod statistics;
mod stop;
mod target;
mod timeline;
mod trouble;
pub mod websocket;
mod writer;

pub use command::main as harness;
pub use peers::main as peers;
