//! `bars`: every scenario against the bars, three times in turn, and the median of each number. Scenarios take turns,
//! so that what else the machine does meanwhile hits them alike. Knows nothing of how a number is made.

use crate::check::{Fault, Faults};
use crate::goals::{BARS, HEADING, Row};
use crate::report::{Report, table};
use crate::scenario::{fanout::Fanout, idle::Idle, ops::Ops, storm::Storm};
use crate::target::{Place, Server};
use crate::trouble::Trouble;
use clap::{Args, Parser};
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

/// The most sockets of any scenario here.
pub(crate) const SOCKETS: usize = 9_600;

/// `bars`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Bars {
    /// Runs of each scenario; the median counts
    #[arg(long, value_parser = crate::options::count, default_value_t = 3)]
    runs: usize,
    /// Also run `ops` on this PostgreSQL (with --postmaster, its CPU counts)
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Do not pin: the server and this program share all cores
    #[arg(long)]
    unpinned: bool,
    /// Only the scenarios whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// What was found.
#[derive(Serialize)]
pub(crate) struct Found {
    rows: Vec<Row>,
    faults: Faults,
    /// Every report behind the medians.
    reports: Vec<Report>,
}

/// A scenario as its options would be typed, read by the same parser, so that a bar is what anyone can run by hand.
#[derive(Parser)]
struct Options<T: Args> {
    #[command(flatten)]
    options: T,
}

fn options<T: Args>(typed: &str) -> Result<T, Trouble> {
    let words = std::iter::once("loadtest").chain(typed.split_whitespace());
    let parsed = Options::<T>::try_parse_from(words).map_err(|error| Trouble::setup(error.to_string()))?;
    Ok(parsed.options)
}

impl Bars {
    /// Runs everything.
    pub(crate) fn run(&self, place: &Place, runtime: &Runtime) -> Found {
        let mut place = place.clone();
        place.pin = !self.unpinned;
        let reports = self.reports(&place, runtime);
        let rows = BARS
            .iter()
            .filter_map(|bar| Row::of(bar, reports.get(bar.scenario)?));
        let mut found = Found {
            rows: rows.collect(),
            faults: Faults::default(),
            reports: Vec::new(),
        };
        for report in reports.into_values().flatten() {
            found.faults.extend(report.faults.clone());
            found.reports.push(report);
        }
        found
    }

    /// The reports of each scenario. When it is interrupted: those that there are.
    fn reports(&self, place: &Place, runtime: &Runtime) -> BTreeMap<&'static str, Vec<Report>> {
        let mut reports: BTreeMap<_, Vec<Report>> = BTreeMap::new();
        for run in 1..=self.runs {
            for name in self.scenarios() {
                eprintln!("run {run} of {}: {name}", self.runs);
                let report = crate::attend(runtime, self.once(name, place));
                let is_interrupted = matches!(report, Err(Trouble::Interrupted));
                let report = report.unwrap_or_else(|trouble| unfinished(name, &trouble));
                reports.entry(name).or_default().push(report);
                if is_interrupted {
                    return reports;
                }
            }
        }
        reports
    }

    fn scenarios(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = BARS.iter().map(|bar| bar.scenario).collect();
        names.dedup();
        names.retain(|name| *name != "ops-postgres" || self.postgres.is_some());
        if let Some(only) = &self.only {
            names.retain(|name| name.contains(only.as_str()));
        }
        names
    }

    async fn once(&self, name: &str, place: &Place) -> Result<Report, Trouble> {
        let mut place = place.clone();
        if name == "ops-postgres" {
            place.database_url.clone_from(&self.postgres);
        } else {
            place.postmaster = None;
        }
        let server = Server::at(&place)?;
        match name {
            "idle" => options::<Idle>("")?.run(&server).await,
            "fanout" => options::<Fanout>("--with-limit")?.run(&server, &place).await,
            "burst" => {
                options::<Fanout>("--with-limit --burst 8 --rate 10")?
                    .run(&server, &place)
                    .await
            }
            "saturated" => {
                options::<Fanout>("--with-limit --saturate --seconds 3")?
                    .run(&server, &place)
                    .await
            }
            "storm" => options::<Storm>("")?.run(&server).await,
            "latency" => options::<Ops>("--clients 1 --seconds 2")?.run(&server).await,
            _ => options::<Ops>("--seconds 4")?.run(&server).await,
        }
    }
}

/// One run that failed is no reason to lose the numbers of all others.
fn unfinished(name: &str, trouble: &Trouble) -> Report {
    let mut report = Report::new(name);
    report
        .faults
        .add(Fault::Failed, 1, || format!("{name}: {trouble}"));
    report
}

impl Found {
    /// Whether nothing was wrong. A bar that was not met is no fault: the table says it.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// The table.
    pub(crate) fn print(&self) {
        let mut rows = vec![HEADING.map(String::from).to_vec()];
        rows.extend(self.rows.iter().map(Row::cells));
        let right = [false, true, false, true, true, true, false, true, false];
        print!("\n{}", table(&rows, &right));
        if self.is_clean() {
            println!("\nevery check of every run held");
            return;
        }
        println!("\nFAILED: {}", self.faults);
        for report in self.reports.iter().filter(|report| !report.is_clean()) {
            println!("  {}: {}", report.title, report.faults);
        }
        for example in &self.faults.examples {
            println!("    {example}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_of_the_bars_can_be_typed() {
        for typed in [
            "--with-limit",
            "--with-limit --burst 8 --rate 10",
            "--with-limit --saturate --seconds 3",
        ] {
            assert!(options::<Fanout>(typed).is_ok(), "{typed}");
        }
        assert!(options::<Idle>("").is_ok() && options::<Storm>("").is_ok());
        assert!(options::<Ops>("--clients 1 --seconds 2").is_ok());
    }
}
