//! `bars`: every scenario against the bars, three times in turn, and the median of each number. Scenarios take turns,
//! so that what else the machine does meanwhile hits them alike. Knows the bars, and nothing of how a number is made.

use crate::check::{Fault, Faults};
use crate::report::{self, Report, show, table};
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
    #[arg(long, default_value_t = 3)]
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

/// What a number is held against.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// At most so many times what the limit has.
    TimesLimit(f64),
}

/// A bar: a number of a scenario, and its goals.
struct Bar {
    scenario: &'static str,
    what: &'static str,
    /// The name of the number in the scenario's report, and of the limit's beside it.
    number: &'static str,
    limit: Option<&'static str>,
    unit: &'static str,
    core: Option<Goal>,
    last: Option<Goal>,
}

const fn bar(scenario: &'static str, what: &'static str, number: &'static str, unit: &'static str) -> Bar {
    Bar {
        scenario,
        what,
        number,
        limit: None,
        unit,
        core: None,
        last: None,
    }
}

impl Bar {
    const fn goals(mut self, core: Goal, last: Goal) -> Bar {
        self.core = Some(core);
        self.last = Some(last);
        self
    }

    const fn finally(mut self, last: Goal) -> Bar {
        self.last = Some(last);
        self
    }

    const fn beside(mut self, limit: &'static str) -> Bar {
        self.limit = Some(limit);
        self
    }
}

use Goal::{AtLeast, AtMost, TimesLimit};

const COST: &str = "server CPU per delivery";
const LEAST: &str = "limit: CPU per delivery";

const BARS: &[Bar] = &[
    bar(
        "idle",
        "idle: memory per socket (9,000)",
        "memory per socket",
        "KiB",
    )
    .goals(AtMost(10.0), AtMost(6.0)),
    bar(
        "fanout",
        "fan-out, 1,000 × 10 events/s: CPU per delivery",
        COST,
        "µs",
    )
    .beside(LEAST)
    .goals(TimesLimit(2.0), TimesLimit(1.4)),
    bar("burst", "the same in bursts of 8", COST, "µs")
        .beside(LEAST)
        .goals(AtMost(2.0), AtMost(1.0)),
    bar(
        "saturated",
        "fan-out, saturated: deliveries/s",
        "deliveries",
        "/s",
    )
    .beside("limit: deliveries")
    .goals(AtLeast(900_000.0), AtLeast(2_000_000.0)),
    bar(
        "ops",
        "task.create, 32 clients, SQLite: ops/s",
        "operations",
        "/s",
    )
    .goals(AtLeast(6_000.0), AtLeast(11_000.0)),
    bar("ops", "… CPU per op", "CPU per operation", "µs").goals(AtMost(150.0), AtMost(85.0)),
    bar(
        "ops-postgres",
        "task.create, 32 clients, PostgreSQL: ops/s",
        "operations",
        "/s",
    )
    .goals(AtLeast(4_000.0), AtLeast(11_000.0)),
    bar(
        "ops-postgres",
        "… CPU per op, database included",
        "CPU per operation",
        "µs",
    )
    .goals(AtMost(250.0), AtMost(95.0)),
    bar(
        "storm",
        "storm: 5,000 back and resumed",
        "until all are back",
        "s",
    )
    .goals(AtMost(1.0), AtMost(0.35)),
    bar(
        "latency",
        "task.create, idle server: p50 beyond one durable write",
        "latency p50 beyond it",
        "ms",
    )
    .beside("one durable write, p50")
    .finally(AtMost(0.3)),
];

/// What was found.
#[derive(Serialize)]
pub(crate) struct Found {
    rows: Vec<Row>,
    faults: Faults,
    /// Every report behind the medians.
    reports: Vec<Report>,
}

#[derive(Serialize)]
struct Row {
    what: &'static str,
    unit: &'static str,
    measured: f64,
    limit: Option<f64>,
    ratio: Option<f64>,
    core: Option<Goal>,
    #[serde(rename = "final")]
    last: Option<Goal>,
    core_met: Option<bool>,
    final_met: Option<bool>,
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
    pub(crate) fn run(&self, place: &Place, runtime: &Runtime) -> Result<Found, Trouble> {
        let mut place = place.clone();
        place.pin = !self.unpinned;
        let mut reports: BTreeMap<&str, Vec<Report>> = BTreeMap::new();
        for run in 1..=self.runs.max(1) {
            for name in self.scenarios() {
                eprintln!("run {run} of {}: {name}", self.runs.max(1));
                let report = runtime.block_on(self.once(name, &place));
                reports
                    .entry(name)
                    .or_default()
                    .push(report.unwrap_or_else(|trouble| unfinished(name, &trouble)));
            }
        }
        let rows = BARS.iter().filter_map(|bar| row(bar, reports.get(bar.scenario)?));
        let mut found = Found {
            rows: rows.collect(),
            faults: Faults::default(),
            reports: Vec::new(),
        };
        for report in reports.into_values().flatten() {
            found.faults.extend(report.faults.clone());
            found.reports.push(report);
        }
        Ok(found)
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

/// A bar's row; `None` when the number could not be measured here.
fn row(bar: &Bar, reports: &[Report]) -> Option<Row> {
    let measured = median(reports.iter().filter_map(|report| report.get(bar.number)))?;
    let of_limit = |report: &Report| Some((report.get(bar.number)?, report.get(bar.limit?)?));
    let pairs: Vec<(f64, f64)> = reports.iter().filter_map(of_limit).collect();
    let limit = median(pairs.iter().map(|(_, limit)| *limit));
    let ratio = median(pairs.iter().map(|(measured, limit)| measured / limit));
    let met = |goal: Option<Goal>| match goal? {
        Goal::AtMost(most) => Some(measured <= most),
        Goal::AtLeast(least) => Some(measured >= least),
        Goal::TimesLimit(most) => ratio.map(|ratio| ratio <= most),
    };
    Some(Row {
        what: bar.what,
        unit: bar.unit,
        measured,
        limit,
        ratio,
        core: bar.core,
        last: bar.last,
        core_met: met(bar.core),
        final_met: met(bar.last),
    })
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Found {
    /// Whether nothing was wrong. A bar that was not met is no fault: the table says it.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// The table.
    pub(crate) fn print(&self) {
        let heading = [
            "what",
            "measured",
            "",
            "limit",
            "ratio",
            "core bar",
            "",
            "final bar",
            "",
        ];
        let mut rows = vec![heading.map(String::from).to_vec()];
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

impl Row {
    fn cells(&self) -> Vec<String> {
        let number = |value: Option<f64>| value.map_or("–".to_owned(), show);
        let goal = |goal: Option<Goal>| match goal {
            None => "–".to_owned(),
            Some(Goal::AtMost(value)) => format!("≤ {}", show(value)),
            Some(Goal::AtLeast(value)) => format!("≥ {}", show(value)),
            Some(Goal::TimesLimit(value)) => format!("≤ {value} × limit"),
        };
        let met = |met: Option<bool>| match met {
            None => String::new(),
            Some(true) => "met".into(),
            Some(false) => "NOT MET".into(),
        };
        vec![
            self.what.into(),
            report::show(self.measured),
            self.unit.into(),
            number(self.limit),
            number(self.ratio),
            goal(self.core),
            met(self.core_met),
            goal(self.last),
            met(self.final_met),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report with one number beside the limit's.
    fn measured(value: f64, limit: f64) -> Report {
        let mut report = Report::new("a run");
        report.put(COST, value, "µs");
        report.put(LEAST, limit, "µs");
        report
    }

    #[test]
    fn the_ratio_is_the_median_of_the_runs_ratios() {
        let bar = BARS.iter().find(|bar| bar.scenario == "fanout").expect("a bar");
        let reports = [measured(6.0, 4.0), measured(30.0, 10.0), measured(8.0, 5.0)];
        let row = row(bar, &reports).expect("numbers");
        assert_eq!((row.measured, row.limit, row.ratio), (8.0, Some(5.0), Some(1.6)));
        assert_eq!((row.core_met, row.final_met), (Some(true), Some(false)));
    }

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
