//! Compares medians with the bars. Does not know how a number is measured.

use super::{Report, show};
use crate::goals::{Bar, Goal};
use crate::statistics::median;
use serde::Serialize;

/// A bar, the measured number, and whether it meets the goals.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
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

/// The heading of each column.
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

/// Which columns are aligned to the right.
pub(crate) const RIGHT: [bool; 9] = [false, true, false, true, true, true, false, true, false];

impl Verdict {
    /// The medians of some reports beside a bar; `None` when the number could not be measured here.
    pub(crate) fn of(bar: &Bar, reports: &[Report]) -> Option<Verdict> {
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
        Some(Verdict {
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

    /// The cells for people, under [`HEADING`].
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
    use crate::goals::BARS;

    fn bar() -> &'static Bar {
        BARS.iter().find(|bar| bar.scenario == "fanout").expect("a bar")
    }

    /// A report with one number beside the limit's.
    fn measured(value: f64, limit: f64) -> Report {
        let mut report = Report::new("fanout", "a run");
        report.put(bar().number, value, "µs");
        report.put(bar().limit.expect("a limit"), limit, "µs");
        report
    }

    #[test]
    fn the_ratio_is_the_median_of_the_runs_ratios() {
        let reports = [measured(6.0, 4.0), measured(30.0, 10.0), measured(8.0, 5.0)];
        let verdict = Verdict::of(bar(), &reports).expect("numbers");
        assert_eq!(
            (verdict.measured, verdict.limit, verdict.ratio),
            (8.0, Some(5.0), Some(1.6))
        );
        assert_eq!((verdict.core_met, verdict.final_met), (Some(true), Some(false)));
    }
}
