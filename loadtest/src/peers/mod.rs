//! `loadtest-peers`: one program loads Taskwire and its peers, so that only the servers differ.
//!
//! - `scenario`  the loads, one file each, with the same steps for every peer; `found` the results of a scenario
//! - `peer`      which server is loaded; `join` opens its sockets, `say` writes to them, `hear` reads them
//! - `link`      one socket; `nats` and `http` decode the protocols that are not WebSocket
//! - `account`   accounts of Taskwire, tokens that the peers accept
//! - `crowd`     many sockets; `watcher` the events that arrived at one; `writer` writes
//! - `table`     many measurements as one table of ratios
//!
//! Deliveries, latencies, pace and CPU are counted by the same code as in `loadtest`. One thread does everything:
//! `loadtest/peers/run` gives it one core and the server another.

mod account;
mod crowd;
mod found;
mod hear;
mod http;
mod join;
mod link;
mod nats;
mod peer;
mod say;
mod scenario;
mod table;
mod watcher;
mod writer;

use crate::trouble::Trouble;
use clap::{Parser, Subcommand};
use peer::Target;
use scenario::Scenario;
use std::path::PathBuf;
use std::process::ExitCode;

/// Loads one server for `loadtest/peers/run`, or prints measurements as a table.
#[derive(Parser)]
#[command(name = "loadtest-peers", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one scenario against a server that runs already, and prints a line of JSON
    Measure {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        scenario: Scenario,
    },
    /// Prints the medians of measured lines: a row a number, a column a server
    Table {
        /// The lines that `measure` printed
        lines: PathBuf,
        /// The column to which the ratios are computed
        #[arg(long, default_value = "taskwire-postgres")]
        base: String,
    },
}

/// The program `loadtest-peers`.
pub fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("the measurement failed: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Trouble> {
    match command {
        Command::Table { lines, base } => {
            let lines = std::fs::read_to_string(lines)?;
            print!("{}", table::of(&lines, &base)?);
        }
        Command::Measure { target, scenario } => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let found = runtime.block_on(scenario.run(&target))?;
            println!("{}", serde_json::to_string(&found)?);
        }
    }
    Ok(())
}
