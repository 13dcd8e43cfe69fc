//! `growth`: what a server costs as there is more and more of something, each step a curve. A step that does not fit into
//! the time or the machine says what it left out.
//!
//! - `sockets`    cost of a delivery and memory, by the number of sockets
//! - `data`       latency of operations, by the number of tasks and of log entries; `seed` makes them
//! - `instances`  latency and rate with several instances

mod data;
mod instances;
mod seed;
mod sockets;
mod sync;

use crate::check::Fault;
use crate::report::Report;
use crate::report::run::Run;
use crate::scenario::Scenario;
use crate::target::{Place, Server};
use crate::trouble::Trouble;
use crate::{attend, machine, progress, stop};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Files that are no sockets.
const OTHER_FILES: u64 = 600;

/// `growth`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Growth {
    /// The steps to take [default: all; `instances` only with --database-url and --redis-url]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Step>,
    /// Minutes for everything: what does not fit is left out
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

/// What grows.
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

/// What a step works with.
struct Ground<'a> {
    place: &'a Place,
    growth: &'a Growth,
    end: Instant,
    /// As many sockets as asked for and allowed.
    sockets: usize,
    /// Why these are fewer than asked for.
    fewer: Option<String>,
}

impl Growth {
    /// Takes the steps.
    pub(crate) fn run(&self, place: &Place, runtime: &Runtime) -> Run {
        let (sockets, fewer) = self.allowed(place);
        if let Some(fewer) = &fewer {
            progress::say(fewer);
        }
        let ground = Ground {
            place,
            growth: self,
            end: Instant::now() + Duration::from_secs_f64(self.minutes * 60.0),
            sockets,
            fewer,
        };
        let mut reports = Vec::new();
        for step in self.steps(place) {
            if stop::is_asked() {
                break;
            }
            progress::say(&format!("growth: {step:?}"));
            let report = attend(runtime, ground.take(step));
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
            json!({ "growth": self, "sockets_allowed": ground.sockets, "server": place.settings() });
        Run::new(settings, reports, Vec::new())
    }

    /// As many sockets as asked for, or as the open files of this program and of the server allow, and then why. A server
    /// that is started here may have as many files open as this program.
    fn allowed(&self, place: &Place) -> (usize, Option<String>) {
        let wanted = self.sockets as u64 + OTHER_FILES;
        let ours = machine::allow_files(wanted);
        let theirs = place.pid.and_then(machine::files_of).unwrap_or(ours);
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
            "{sockets} sockets instead of {}: {whose} may have {files} open files, and {OTHER_FILES} are no sockets",
            self.sockets
        );
        (sockets, Some(fewer))
    }

    fn steps(&self, place: &Place) -> Vec<Step> {
        if !self.only.is_empty() {
            return self.only.clone();
        }
        let several = place.database_url.is_some() && place.redis_url.is_some();
        let all = Step::value_variants().iter().copied();
        all.filter(|step| *step != Step::Instances || several).collect()
    }
}

impl Ground<'_> {
    async fn take(&self, step: Step) -> Result<Report, Trouble> {
        match step {
            Step::Deliveries => sockets::deliveries(self).await,
            Step::Memory => sockets::memory(self).await,
            Step::Tasks => data::tasks(self).await,
            Step::Log => data::log(self).await,
            Step::Resume => self.resume().await,
            Step::Instances => instances::instances(self).await,
        }
    }

    async fn resume(&self) -> Result<Report, Trouble> {
        let distances: Vec<String> = sizes(1, self.growth.distance)
            .iter()
            .map(usize::to_string)
            .collect();
        self.once(&format!("resume --distances {}", distances.join(",")))
            .await
    }

    /// A title that says also what is left out because of open files.
    fn with(&self, what: String) -> String {
        match &self.fewer {
            Some(fewer) => format!("{what} ({fewer})"),
            None => what,
        }
    }

    /// Runs a scenario against a server of its own.
    async fn once(&self, line: &str) -> Result<Report, Trouble> {
        let mut server = Server::at(self.place)?;
        Scenario::typed(line)?.run(&mut server, self.place).await
    }

    /// Those of the points for which there is time, one after the other; the report says how many were left out.
    fn next(&self, points: &mut std::vec::IntoIter<usize>, report: &mut Report) -> Option<usize> {
        let next = points.next()?;
        if Instant::now() < self.end && !stop::is_asked() {
            progress::say(&format!("{}: {next}", report.scenario));
            return Some(next);
        }
        let left = 1 + points.by_ref().count();
        let title = std::mem::take(&mut report.title);
        report.title = format!("{title} (from {next} on left out, {left} points: no time)");
        None
    }
}

/// Powers of ten from `first` on, and `last`.
fn sizes(first: usize, last: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = std::iter::successors(Some(first), |size| size.checked_mul(10))
        .take_while(|size| *size < last)
        .collect();
    sizes.push(last);
    sizes
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_end_with_the_last() {
        assert_eq!(super::sizes(1000, 1_000_000), [1000, 10_000, 100_000, 1_000_000]);
        assert_eq!(super::sizes(100, 250), [100, 250]);
        assert_eq!(super::sizes(100, 50), [50]);
    }
}
