//! The load harness: measures a Taskwire server and checks its promises at the same time.
//!
//! - `scenario`  what is done to the server, a file each; `bars` all of them in turn, held against `goals`; `growth`
//!   the same with more and more of everything; `smoke` all of them for a moment
//! - `stage`     a stream that is watched and written to; `shift` people at work; `away` sockets that come back
//! - `crowd`     many sockets; `accounts` who they are; `writer` one who writes at a pace; `person` one who works, on
//!   a `mix` of operations, in turns that a `metronome` tells
//! - `board`     what all sockets bring together: deliveries and faults; `check` what counts as a fault
//! - `meter`     latencies; `timeline` the course of a run
//! - `link`      one socket; `wire` its framing; `event` the facts at fixed places of an event frame
//! - `limit`     what the machine could do without a server; `rows` the rows of an operation, by SQL alone
//! - `target`    the server under load; `machine` its CPU and memory; `facts` the machine itself
//! - `report`    numbers, curves and checks: as a table, as JSON, as a page, beside an earlier run
//! - `options`   how numbers on the command line are read; `progress` what a person who waits is told; `stop` Ctrl-C
//!
//! One thread does everything but keep time, so that `--pin` gives the server one core and the harness the other.

mod accounts;
mod away;
mod bars;
mod board;
mod check;
mod crowd;
mod event;
mod facts;
mod goals;
mod growth;
mod limit;
mod link;
mod machine;
mod meter;
mod metronome;
mod mix;
mod options;
mod person;
mod progress;
mod report;
mod rows;
mod scenario;
mod shift;
mod smoke;
mod stage;
mod stop;
mod target;
mod timeline;
mod trouble;
mod wire;
mod writer;

use clap::{Args, Parser, Subcommand, ValueEnum};
use report::run::Run;
use report::{compare, html};
use scenario::Scenario;
use serde_json::json;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use target::{Place, Server};
use tokio::runtime::Runtime;
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
    #[command(flatten)]
    results: Results,
    #[command(subcommand)]
    command: Command,
}

/// Where results go.
#[derive(Args)]
struct Results {
    /// Write what was found to a file too
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a page with curves too
    #[arg(long, global = true, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Compare with the JSON of an earlier run
    #[arg(long, global = true, value_name = "FILE")]
    compare: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Scenario(Scenario),
    /// Every scenario, three times, against the bars
    Bars(bars::Bars),
    /// What grows with sockets, tasks, log entries, distance and instances
    Growth(growth::Growth),
    /// Every scenario for a moment, with its checks
    Smoke,
    /// What this machine could do without a server
    Limit(Limit),
}

#[derive(Args)]
struct Limit {
    /// What is written
    #[arg(long, value_enum, default_value_t = What::Fanout)]
    what: What,
    /// Of `fanout`: frames in one write to a socket
    #[arg(long, value_parser = options::count, default_value_t = 1)]
    frames_per_write: usize,
    /// Of databases: operations committed together
    #[arg(long, value_parser = options::count, default_value_t = 32)]
    group: usize,
    /// Of databases: seconds that are measured
    #[arg(long, value_parser = options::measured, default_value_t = 4.0)]
    seconds: f64,
    /// Of `storm`: sockets that are cut
    #[arg(long, value_parser = options::count, default_value_t = 5000)]
    sockets: usize,
    #[command(flatten)]
    admission: crowd::Admission,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    /// Serves a bare writer of frames on a port that it prints
    Fanout,
    /// Cuts sockets of the bare writer and has all come back
    Storm,
    /// Commits rows to a new SQLite file
    Sqlite,
    /// Commits rows to the PostgreSQL of --database-url, in a schema of their own
    Postgres,
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
        results,
        command,
    } = arguments;
    facts::cores();
    place.check()?;
    results.check()?;
    // An earlier run that cannot be read is found out before hours of measuring, not after.
    let earlier = results.compare.as_deref().map(Run::read).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let found = match command {
        Command::Limit(limit) if limit.what == What::Fanout => {
            limit::fanout::serve(limit.frames_per_write, &runtime)?;
            return Ok(true);
        }
        Command::Limit(limit) => limit.run(&place, &runtime)?,
        Command::Scenario(scenario) => {
            crowd::allow(scenario.sockets())?;
            let once = async { scenario.run(&mut Server::at(&place)?, &place).await };
            let report = attend(&runtime, once)?;
            report.print();
            let settings = json!({ "scenario": scenario, "server": place.settings() });
            Run::new(settings, vec![report], Vec::new())
        }
        Command::Bars(bars) => bars.run(&place, &runtime)?,
        Command::Growth(growth) => growth.run(&place, &runtime),
        Command::Smoke => smoke::run(&place, &runtime)?,
    };
    if let Some(earlier) = &earlier {
        compare::print(earlier, &found);
    }
    results.write(&found, earlier.as_ref())?;
    Ok(found.is_clean())
}

impl Results {
    /// Files that cannot be written are found out before hours of measuring, not after.
    fn check(&self) -> Result<(), Trouble> {
        let files = [("--json", &self.json), ("--html", &self.html)];
        for (option, path) in files {
            let Some(path) = path else { continue };
            can_be_written(path)
                .map_err(|error| Trouble::setup(format!("{option} {}: {error}", path.display())))?;
        }
        Ok(())
    }

    /// Writes each that was asked for, also when the other cannot be written any more.
    fn write(&self, found: &Run, earlier: Option<&Run>) -> Result<(), Trouble> {
        let json = self.json.as_deref().map_or(Ok(()), |path| found.write(path));
        let page = self.html.as_deref();
        page.map_or(Ok(()), |path| html::write(path, found, earlier))?;
        Ok(json?)
    }
}

/// Leaves what is there as it is: it may be an earlier run's.
fn can_be_written(path: &Path) -> std::io::Result<()> {
    match File::create_new(path) {
        Ok(_) => std::fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            File::options().write(true).open(path).map(drop)
        }
        Err(error) => Err(error),
    }
}

impl Limit {
    /// Measures, without a server.
    fn run(&self, place: &Place, runtime: &Runtime) -> Result<Run, Trouble> {
        let database = match (self.what, place.database_url.as_deref()) {
            (What::Postgres, None) => return Err(Trouble::setup("--what postgres needs --database-url")),
            (What::Postgres, url) => url,
            _ => None,
        };
        let report = if self.what == What::Storm {
            crowd::allow(self.sockets)?;
            attend(
                runtime,
                limit::storm::measure(place, self.sockets, self.admission),
            )?
        } else {
            let measuring = limit::commits::measure(place, database, self.group, self.seconds);
            attend(runtime, measuring)?
        };
        let report = report.over();
        report.print();
        let settings = json!({ "limit": {
            "group": self.group, "seconds": self.seconds, "sockets": self.sockets, "opening": self.admission.opening,
        } });
        Ok(Run::new(settings, vec![report], Vec::new()))
    }
}

/// Runs until it is done or has to be given up; either way a server that was started ends too.
pub(crate) fn attend<T>(
    runtime: &Runtime,
    run: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    runtime.block_on(async {
        tokio::select! {
            done = run => done,
            () = stop::given_up() => Err(Trouble::Interrupted),
        }
    })
}
