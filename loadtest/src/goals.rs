//! The bars: which number of which scenario has to reach what. And a row of the table: medians held against them.
//! Knows nothing of how a number is made.

use crate::report::compare::median;
use crate::report::{Report, show};
use serde::Serialize;

/// What a number is held against.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// At most so many times what the limit has.
    TimesLimit(f64),
}

/// A bar: a number of a scenario, and its goals.
pub(crate) struct Bar {
    pub(crate) scenario: &'static str,
    /// In words; `{bytes}` stands for the size of the scenario's frames.
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
const ROWS: &str = "limit: operations";
const ROWS_COST: &str = "limit: CPU per operation";

pub(crate) const BARS: &[Bar] = &[
    bar(
        "idle",
        "idle: memory per socket (9,000)",
        "memory per socket",
        "KiB",
    )
    .goals(AtMost(10.0), AtMost(6.0)),
    bar(
        "fanout",
        "fan-out, 1,000 × 10 tasks/s ({bytes} B): CPU per delivery",
        COST,
        "µs",
    )
    .beside(LEAST)
    .goals(TimesLimit(2.0), TimesLimit(1.4)),
    // here the server is not the database too
    bar(
        "fanout-postgres",
        "the same beside PostgreSQL ({bytes} B)",
        COST,
        "µs",
    )
    .beside(LEAST)
    .goals(TimesLimit(2.0), TimesLimit(1.4)),
    bar("fanout-small", "the same of small events ({bytes} B)", COST, "µs")
        .beside(LEAST)
        .goals(TimesLimit(2.0), TimesLimit(1.4)),
    // The goals are of frames of 250 bytes: what a task costs stands beside, by the limit of its own size.
    bar("burst", "in bursts of 8, tasks ({bytes} B)", COST, "µs").beside(LEAST),
    bar(
        "burst-small",
        "in bursts of 8, small events ({bytes} B)",
        COST,
        "µs",
    )
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
    .beside(ROWS)
    .goals(AtLeast(6_000.0), AtLeast(11_000.0)),
    bar("ops", "… CPU per op", "CPU per operation", "µs")
        .beside(ROWS_COST)
        .goals(AtMost(150.0), AtMost(85.0)),
    bar(
        "ops-postgres",
        "task.create, 32 clients, PostgreSQL: ops/s",
        "operations",
        "/s",
    )
    .beside(ROWS)
    .goals(AtLeast(4_000.0), AtLeast(11_000.0)),
    bar(
        "ops-postgres",
        "… CPU per op, database included",
        "CPU per operation",
        "µs",
    )
    .beside(ROWS_COST)
    .goals(AtMost(250.0), AtMost(95.0)),
    bar(
        "storm",
        "storm: 5,000 back and resumed",
        "until all are back",
        "s",
    )
    .beside("limit: until all are back")
    .goals(AtMost(1.0), AtMost(0.35)),
    bar(
        "hop",
        "another instance: beyond the local push, p50",
        "beyond the local push, p50",
        "µs",
    )
    .beside("limit: publish to receive, p50")
    .finally(TimesLimit(2.0)),
    bar("hop", "… p99", "beyond the local push, p99", "µs")
        .beside("limit: publish to receive, p99")
        .finally(TimesLimit(2.0)),
    bar(
        "latency",
        "task.create, idle server: p50 beyond one durable write",
        "latency p50 beyond it",
        "ms",
    )
    .beside("one durable write, p50")
    .finally(AtMost(0.3)),
];

/// A bar's row: what was measured, and whether that is enough.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    what: String,
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

/// What stands above the cells of the rows.
pub(crate) const HEADING: [&str; 9] = [
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

/// Which of them stand at the right.
pub(crate) const RIGHT: [bool; 9] = [false, true, false, true, true, true, false, true, false];

impl Row {
    /// A bar's row; `None` when the number could not be measured here.
    pub(crate) fn of(bar: &Bar, reports: &[Report]) -> Option<Row> {
        let measured = median(reports.iter().filter_map(|report| report.get(bar.number)))?;
        let of_limit = |report: &Report| Some((report.get(bar.number)?, report.get(bar.limit?)?));
        let pairs: Vec<(f64, f64)> = reports.iter().filter_map(of_limit).collect();
        let limit = median(pairs.iter().map(|(_, limit)| *limit));
        let ratio = median(pairs.iter().map(|(measured, limit)| measured / limit));
        let bytes = median(reports.iter().filter_map(|report| report.get("frame"))).map_or("–".into(), show);
        let met = |goal: Option<Goal>| match goal? {
            Goal::AtMost(most) => Some(measured <= most),
            Goal::AtLeast(least) => Some(measured >= least),
            Goal::TimesLimit(most) => ratio.map(|ratio| ratio <= most),
        };
        Some(Row {
            what: bar.what.replace("{bytes}", &bytes),
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

    /// The row for people, under [`HEADING`].
    pub(crate) fn cells(&self) -> Vec<String> {
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
            self.what.clone(),
            show(self.measured),
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
        let mut report = Report::new("fanout", "a run");
        report.put(COST, value, "µs");
        report.put(LEAST, limit, "µs");
        report
    }

    #[test]
    fn the_ratio_is_the_median_of_the_runs_ratios() {
        let bar = BARS.iter().find(|bar| bar.scenario == "fanout").expect("a bar");
        let reports = [measured(6.0, 4.0), measured(30.0, 10.0), measured(8.0, 5.0)];
        let row = Row::of(bar, &reports).expect("numbers");
        assert_eq!((row.measured, row.limit, row.ratio), (8.0, Some(5.0), Some(1.6)));
        assert_eq!((row.core_met, row.final_met), (Some(true), Some(false)));
    }
}
