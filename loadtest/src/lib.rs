//! The load harness: it measures a Taskwire server and checks its promises at the same time. Two programs share this
//! library: `loadtest`, and `loadtest-peers`, which puts the same load on the software that people would use instead.
//!
//! The runs:
//! - `command`   the command line of `loadtest`
//! - `scenario`  the loads, one file each; `bars` runs all of them and compares them with `goals`; `growth` repeats
//!   them with more and more sockets, data and instances; `smoke` runs each for a short time
//! - `limit`     what the machine could do without a server; `rows` writes the rows of an operation with SQL only
//! - `peers`     `loadtest-peers`: its scenarios, and the protocols of the peers
//!
//! The load:
//! - `stage`     a stream, its watchers and its writer; `shift` people at work; `away` sockets that reconnect
//! - `crowd`     many sockets; `accounts` the accounts that they belong to
//! - `worker`    one person at a rate, who shows what others feel
//! - `writer`    sends at a `pace`; `person` sends when a `metronome` says so; `mind` chooses a person's next request,
//!   from a `mix` of operations
//! - `requests`  the requests of both, and how they note the answers
//!
//! The results:
//! - `board`     the sums over all sockets; `check` checks the promises; `fault` names each broken one
//! - `meter`     latencies; `timeline` the course of a run; `statistics` medians and slopes
//! - `report`    numbers, curves and checks: as a table, as JSON, as a page, beside an earlier run
//!
//! The layers below:
//! - `link`      one socket to Taskwire; `answer` and `event` read its frames
//! - `connection` the bytes below it; `websocket` frames them
//! - `server_options` which server is loaded; `target` starts and stops it; `processes` its CPU and memory
//! - `machine`   cores, open files and signals; `facts` which machine this is
//! - `options`   the numbers of the command line; `progress` the line that a waiting person sees; `stop` Ctrl-C
//!
//! One thread does everything except the clock, so `--pin` gives the server one core and the harness the other.

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
mod hostile;
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
mod worker;
mod writer;

pub use command::main as harness;
pub use peers::main as peers;
