//! The command line of `loadtest`: the command to run, and the files for its results.

use crate::report::run::Run;
use crate::report::{compare, html};
use crate::scenario::Scenario;
use crate::server_options::ServerOptions;
use crate::stop::attend;
use crate::target::Server;
use crate::trouble::Trouble;
use crate::{bars, crowd, facts, growth, limit, options, smoke};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::json;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// Loads a Taskwire server, measures it, and checks order, gaps, duplicates and acknowledgements meanwhile.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Exit codes: 0 every check held, 1 a check or the run failed, 2 usage."
)]
struct Arguments {
    #[command(flatten)]
    options: ServerOptions,
    #[command(flatten)]
    results: Results,
    #[command(subcommand)]
    command: Command,
}

/// The files for results.
#[derive(Args)]
struct Results {
    /// Also write the report to this file, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the report to this file, as a page with curves
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
    /// How costs grow with sockets, tasks, log entries, distance and instances
    Growth(growth::Growth),
    /// Every scenario for a short time, with its checks
    Smoke,
    /// What this machine could do without a server
    Limit(Limit),
}

#[derive(Args)]
struct Limit {
    /// The limit to measure
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
    /// Cuts sockets of the bare writer and reconnects all of them
    Storm,
    /// Commits rows to a new SQLite file
    Sqlite,
    /// Commits rows to the PostgreSQL of --database-url, in a separate schema
    Postgres,
}

/// The program `loadtest`.
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("the run failed: {trouble}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for. Returns whether every check held.
fn run(arguments: Arguments) -> Result<bool, Trouble> {
    let Arguments {
        options,
        results,
        command,
    } = arguments;
    facts::cores();
    options.check()?;
    results.check()?;
    // Read the earlier run first, so that an unreadable file is found before hours of measuring.
    let earlier = results.compare.as_deref().map(Run::read).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let found = match command {
        Command::Limit(limit) if limit.what == What::Fanout => {
            limit::fanout::serve(limit.frames_per_write, &runtime)?;
            return Ok(true);
        }
        Command::Limit(limit) => limit.run(&options, &runtime)?,
        Command::Scenario(scenario) => {
            crowd::allow(scenario.sockets())?;
            let once = async { scenario.run(&mut Server::at(&options)?, &options).await };
            let report = attend(&runtime, once)?;
            report.print();
            let settings = json!({ "scenario": scenario, "server": options.settings() });
            Run::new(settings, vec![report], Vec::new())
        }
        Command::Bars(bars) => bars.run(&options, &runtime)?,
        Command::Growth(growth) => growth.run(&options, &runtime),
        Command::Smoke => smoke::run(&options, &runtime)?,
    };
    if let Some(earlier) = &earlier {
        compare::print(earlier, &found);
    }
    results.write(&found, earlier.as_ref())?;
    Ok(found.is_clean())
}

impl Results {
    /// Refuses files that cannot be written. This happens before hours of measuring.
    fn check(&self) -> Result<(), Trouble> {
        let files = [("--json", &self.json), ("--html", &self.html)];
        for (option, path) in files {
            let Some(path) = path else { continue };
            can_be_written(path)
                .map_err(|error| Trouble::setup(format!("{option} {}: {error}", path.display())))?;
        }
        Ok(())
    }

    /// Writes each file that was asked for, even when the other one fails.
    fn write(&self, found: &Run, earlier: Option<&Run>) -> Result<(), Trouble> {
        let json = self.json.as_deref().map_or(Ok(()), |path| found.write(path));
        let page = self.html.as_deref();
        page.map_or(Ok(()), |path| html::write(path, found, earlier))?;
        Ok(json?)
    }
}

/// Checks that a file can be written. Does not change an existing file, which may hold an earlier run.
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
    fn run(&self, options: &ServerOptions, runtime: &Runtime) -> Result<Run, Trouble> {
        let database = match (self.what, options.database_url.as_deref()) {
            (What::Postgres, None) => return Err(Trouble::setup("--what postgres needs --database-url")),
            (What::Postgres, url) => url,
            _ => None,
        };
        let report = if self.what == What::Storm {
            crowd::allow(self.sockets)?;
            attend(
                runtime,
                limit::storm::measure(options, self.sockets, self.admission),
            )?
        } else {
            let measuring = limit::commits::measure(options, database, self.group, self.seconds);
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
