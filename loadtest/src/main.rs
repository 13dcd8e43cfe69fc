//! The load harness: measures a Taskwire server and checks its promises at the same time.
//!
//! - `scenario`  what is done to the server, a file each; `bars` all of them in turn; `goals` what has to be reached
//! - `crowd`     many sockets; `writer` the one who writes while they watch; `accounts` who they are
//! - `board`     what all sockets bring together: deliveries, latency, faults; `check` what counts as a fault
//! - `link`      one socket; `wire` its framing; `event` the facts at fixed places of an event frame
//! - `limit`     the bare writer that a server is compared with
//! - `target`    the server under load; `machine` its CPU and memory; `report` numbers as a table and as JSON;
//!   `options` how numbers on the command line are read
//!
//! One thread does everything, so that `--pin` gives the server one core and the harness the other.

mod accounts;
mod bars;
mod board;
mod check;
mod crowd;
mod event;
mod goals;
mod limit;
mod link;
mod machine;
mod options;
mod report;
mod scenario;
mod target;
mod trouble;
mod wire;
mod writer;

use clap::{Parser, Subcommand};
use report::Report;
use scenario::{fanout::Fanout, idle::Idle, ops::Ops, storm::Storm};
use std::path::PathBuf;
use std::process::ExitCode;
use target::{Place, Server};
use trouble::Trouble;

/// Loads a Taskwire server, measures it, and checks order, gaps, duplicates and acknowledgements meanwhile.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Exit codes: 0 nothing was wrong, 1 a check failed or the run did, 2 usage."
)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Write what was found to a file too
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// Sockets that only are there: memory of each, and how fast they come
    Idle(Idle),
    /// Many watchers of one workspace and a writer: cost, rate and latency of a delivery
    Fanout(Fanout),
    /// Durable operations in a closed loop: rate, cost and latency of one
    Ops(Ops),
    /// All sockets cut at once: seconds until all are back
    Storm(Storm),
    /// Every scenario, three times, against the bars
    Bars(bars::Bars),
    /// The bare writer that `fanout --with-limit` compares with
    Limit {
        /// Frames in one write to a socket
        #[arg(long, value_parser = options::count, default_value_t = 1)]
        frames_per_write: usize,
    },
}

impl Scenario {
    /// How many sockets it opens.
    fn sockets(&self) -> usize {
        match self {
            Scenario::Idle(idle) => idle.sockets + idle.before + idle.accounts,
            Scenario::Fanout(fanout) => fanout.watchers,
            Scenario::Ops(ops) => 2 * ops.clients,
            Scenario::Storm(storm) => storm.sockets,
            Scenario::Bars(_) => bars::SOCKETS,
            // What the one who starts it allows holds for it too.
            Scenario::Limit { .. } => 0,
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("the run failed: {trouble}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for; says whether every check held.
fn run(arguments: Arguments) -> Result<bool, Trouble> {
    let Arguments {
        place,
        json,
        scenario,
    } = arguments;
    if let Scenario::Limit { frames_per_write } = scenario {
        limit::serve(frames_per_write)?;
        return Ok(true);
    }
    crowd::allow(scenario.sockets())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if let Scenario::Bars(bars) = scenario {
        let found = bars.run(&place, &runtime);
        found.print();
        if let Some(path) = json {
            report::write_json(&path, &found)?;
        }
        return Ok(found.is_clean());
    }
    let report = attend(&runtime, once(&place, &scenario))?;
    report.print();
    if let Some(path) = json {
        report::write_json(&path, &report)?;
    }
    Ok(report.is_clean())
}

/// Runs until it is done or somebody wants it to end; either way a server that was started ends too.
pub(crate) fn attend<T>(
    runtime: &tokio::runtime::Runtime,
    run: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    runtime.block_on(async {
        tokio::select! {
            done = run => done,
            () = machine::interrupted() => Err(Trouble::Interrupted),
        }
    })
}

/// One run of one scenario.
async fn once(place: &Place, scenario: &Scenario) -> Result<Report, Trouble> {
    let server = Server::at(place)?;
    match scenario {
        Scenario::Idle(idle) => idle.run(&server).await,
        Scenario::Fanout(fanout) => fanout.run(&server, place).await,
        Scenario::Ops(ops) => ops.run(&server).await,
        Scenario::Storm(storm) => storm.run(&server).await,
        Scenario::Bars(_) | Scenario::Limit { .. } => Err(Trouble::setup("not a scenario of its own")),
    }
}
