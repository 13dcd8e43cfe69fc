//! `growth`: how a server's costs grow with the number of sockets, tasks, log entries and instances. Each step is a
//! curve, and says which points it left out for lack of time or open files.
//!
//! - `sockets`    cost of a delivery and memory, by the number of sockets
//! - `data`       latency of operations, by the number of tasks and of log entries; `seed` makes them, `sync` fetches them,
//!   `lists` lists them by all orders and filters, beside the database `alone`, `stats` counts them, `search` finds them by their words, `upkeep` compares
//!   what it costs to write with lists and without
//! - `instances`  latency and rate with several instances
//! - `ground`     state that the steps share

mod alone;
mod data;
mod ground;
mod instances;
mod lists;
mod search;
mod seed;
mod sockets;
mod stats;
mod sync;
mod upkeep;

use crate::fault::Fault;
use crate::report::Report;
use crate::report::run::Run;
use crate::server_options::ServerOptions;
use crate::stop::{self, attend};
use crate::trouble::Trouble;
use crate::{machine, processes, progress};
use clap::{Args, ValueEnum};
use ground::{Ground, sizes};
use serde::Serialize;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Open files that are not sockets.
const OTHER_FILES: u64 = 600;

/// `growth`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Growth {
    /// The steps to take [default: all; `instances` only with --database-url and --redis-url]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Step>,
    /// Minutes for all steps; points for which there is no time are left out
    #[arg(long, value_parser = crate::options::rate, default_value_t = 20.0)]
    minutes: f64,
    /// The most sockets
    #[arg(long, value_parser = crate::options::count, default_value_t = 20_000)]
    sockets: usize,
    /// The most tasks in a workspace
    #[arg(long, value_parser = crate::options::count, default_value_t = 1_000_000)]
    tasks: usize,
    /// The most entries in its log
    #[arg(long, value_parser = crate::options::count, default_value_t = 10_000_000)]
    entries: usize,
    /// The longest distance of `resume`
    #[arg(long, value_parser = crate::options::count, default_value_t = 10_000)]
    distance: usize,
    /// The most instances
    #[arg(long, value_parser = crate::options::count, default_value_t = 4)]
    instances: usize,
    /// Seconds that each point is measured
    #[arg(long, value_parser = crate::options::measured, default_value_t = 3.0)]
    seconds: f64,
}

/// A step, by what grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Cost of a delivery by the number of watchers, beside the limit's
    Deliveries,
    /// Memory of a socket by their number
    Memory,
    /// Latency of operations by the number of tasks in the workspace
    Tasks,
    /// Latency of operations by the number of entries in the log
    Log,
    /// Time and cost of resuming by distance
    Resume,
    /// Latency and rate by the number of instances
    Instances,
}

impl Growth {
    /// Takes the steps.
    pub(crate) fn run(&self, options: &ServerOptions, runtime: &Runtime) -> Run {
        let (sockets, fewer) = self.allowed(options);
        if let Some(fewer) = &fewer {
            progress::say(fewer);
        }
        let ground = Ground {
            options,
            growth: self,
            end: Instant::now() + Duration::from_secs_f64(self.minutes * 60.0),
            sockets,
            fewer,
        };
        let mut reports = Vec::new();
        for step in self.steps(options) {
            if stop::is_asked() {
                break;
            }
            progress::say(&format!("growth: {step:?}"));
            let report = attend(runtime, step.take(&ground));
            let interrupted = matches!(report, Err(Trouble::Interrupted));
            let report = report.unwrap_or_else(|trouble| {
                let mut report = Report::new(format!("growth of {step:?}"), "not finished");
                report.faults.add(Fault::Failed, 1, || trouble.to_string());
                report
            });
            let report = report.over();
            report.print();
            reports.push(report);
            if interrupted {
                break;
            }
        }
        let settings =
            json!({ "growth": self, "sockets_allowed": ground.sockets, "server": options.settings() });
        Run::new(settings, reports, Vec::new())
    }

    /// As many sockets as asked for, or fewer with the reason: this program and the server each need an open file for a
    /// socket. A server that the run starts may have as many files open as this program.
    fn allowed(&self, options: &ServerOptions) -> (usize, Option<String>) {
        let wanted = self.sockets as u64 + OTHER_FILES;
        let ours = machine::allow_files(wanted);
        let theirs = options.pid.and_then(processes::files_of).unwrap_or(ours);
        let (files, whose) = if theirs < ours {
            (theirs, "the server")
        } else {
            (ours, "a process")
        };
        if files >= wanted {
            return (self.sockets, None);
        }
        let sockets = files.saturating_sub(OTHER_FILES).max(1) as usize;
        let fewer = format!(
            "{sockets} sockets instead of {}: {whose} may open {files} files, {OTHER_FILES} of them are not sockets",
            self.sockets
        );
        (sockets, Some(fewer))
    }

    fn steps(&self, options: &ServerOptions) -> Vec<Step> {
        if !self.only.is_empty() {
            return self.only.clone();
        }
        let several = options.database_url.is_some() && options.redis_url.is_some();
        let all = Step::value_variants().iter().copied();
        all.filter(|step| *step != Step::Instances || several).collect()
    }
}

impl Step {
    async fn take(self, ground: &Ground<'_>) -> Result<Report, Trouble> {
        match self {
            Step::Deliveries => sockets::deliveries(ground).await,
            Step::Memory => sockets::memory(ground).await,
            Step::Tasks => data::tasks(ground).await,
            Step::Log => data::log(ground).await,
            Step::Resume => resume(ground).await,
            Step::Instances => instances::instances(ground).await,
        }
    }
}

async fn resume(ground: &Ground<'_>) -> Result<Report, Trouble> {
    let distances = sizes(1, ground.growth.distance);
    let distances: Vec<String> = distances.iter().map(usize::to_string).collect();
    let line = format!("resume --distances {}", distances.join(","));
    ground.once(&line).await
}
