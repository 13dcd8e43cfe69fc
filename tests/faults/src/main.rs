//! The fault test of Taskwire: it puts three instances, their PostgreSQL and their Redis under load, injects every
//! known kind of fault, and checks the invariants. tests/README.md says how to run it and what it prints.
//!
//! - `options`   the command line
//! - `world`     the servers: PostgreSQL, Redis, proxies before them, instances as real processes
//! - `load`      the clients that write and read, and their records
//! - `fault`     what breaks, when, and how it is repaired
//! - `stage`     all parts of a run in one place
//! - `truth`     what really happened, read from PostgreSQL
//! - `check`     the invariants, over records and truth; `verdict` what they found; `usage` what processes hold
//! - `sweep`     clears what faults left in the store of files
//! - `run`       a run from beginning to end; `report` what it prints
//! - `socket`    raw frames; `http` requests beside them

mod check;
mod fault;
mod http;
mod load;
mod options;
mod report;
mod run;
mod socket;
mod stage;
mod sweep;
mod truth;
mod usage;
mod verdict;
mod world;

use clap::{Parser, ValueEnum};
use std::process::ExitCode;

/// Runs until the end or an interrupt. Either way this function returns, so that everything that was started ends.
async fn until_interrupted(run: impl Future<Output = Result<bool, Failed>>) -> Result<bool, Failed> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = run => outcome,
        _ = terminate.recv() => Err("interrupted".into()),
        interrupted = tokio::signal::ctrl_c() => Err(interrupted.err().map_or("interrupted".into(), Failed::from)),
    }
}

/// An error as text for people.
type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let options = options::Options::parse();
    if options.list {
        for kind in fault::Kind::value_variants() {
            let value = kind.to_possible_value();
            let help = value
                .as_ref()
                .and_then(|value| value.get_help())
                .map(ToString::to_string);
            println!("{:<18} {}", kind.name(), help.unwrap_or_default());
        }
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime
        .map_err(Failed::from)
        .and_then(|runtime| runtime.block_on(until_interrupted(run::run(options))));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the fault test could not run: {error}");
            ExitCode::FAILURE
        }
    }
}
