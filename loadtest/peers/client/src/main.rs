//! The client of the comparison: loads Taskwire and its peers by one program, so that what differs is the server.
//!
//! - `scenario`  what is done, a file each; the same steps whoever the peer is
//! - `peer`      who is loaded; `join` how a socket of each gets in; `say` what is written to it, `hear` what it says
//! - `link`      one connection; `websocket`, `nats`, `http` its framing
//! - `account`   who loads: tokens that the peers accept, accounts of Taskwire
//! - `crowd`     many sockets; `board` what they bring together: deliveries, latency, faults; `writer` who writes
//! - `machine`   CPU and memory of process trees; `table` many measurements as one table of ratios
//!
//! One thread does everything: `loadtest/peers/run` gives it a core and the server another.

mod account;
mod board;
mod crowd;
mod hear;
mod http;
mod join;
mod link;
mod machine;
mod nats;
mod peer;
mod say;
mod scenario;
mod table;
mod trouble;
mod websocket;
mod writer;

use clap::{Parser, Subcommand};
use peer::Target;
use scenario::Scenario;
use std::path::PathBuf;
use std::process::ExitCode;
use trouble::Trouble;

/// Loads one server as `loadtest/peers/run` does, or prints what it measured as a table.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one scenario against one server that runs, and prints a line of JSON
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
        /// The column that the ratios are to
        #[arg(long, default_value = "taskwire-postgres")]
        base: String,
    },
}

fn main() -> ExitCode {
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
