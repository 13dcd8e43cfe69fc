//! Two runs beside each other: what each number was, what it is, and the ratio. Scenarios are matched by name; of several
//! reports of one scenario the medians count. Says when the machines differ.

use super::run::Run;
use super::{Report, show, table};
use std::collections::BTreeSet;

/// A scenario that both runs have.
pub(crate) struct Compared {
    pub(crate) scenario: String,
    pub(crate) rows: Vec<Pair>,
}

/// A number of both runs.
pub(crate) struct Pair {
    pub(crate) what: String,
    pub(crate) unit: String,
    pub(crate) before: f64,
    pub(crate) now: f64,
}

impl Pair {
    /// How many times what it was; `None` when it was nothing.
    pub(crate) fn ratio(&self) -> Option<f64> {
        (self.before.abs() > f64::EPSILON).then(|| self.now / self.before)
    }
}

/// The middle one.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What both runs measured.
pub(crate) fn compare(before: &Run, now: &Run) -> Vec<Compared> {
    let mut seen = BTreeSet::new();
    let names = now.reports.iter().map(|report| &report.scenario);
    names
        .filter(|name| seen.insert(*name))
        .filter_map(|name| {
            let rows = rows(&of(before, name), &of(now, name));
            let scenario = name.clone();
            (!rows.is_empty()).then_some(Compared { scenario, rows })
        })
        .collect()
}

fn of<'a>(run: &'a Run, scenario: &str) -> Vec<&'a Report> {
    run.reports
        .iter()
        .filter(|report| report.scenario == scenario)
        .collect()
}

fn rows(before: &[&Report], now: &[&Report]) -> Vec<Pair> {
    let Some(first) = now.first() else {
        return Vec::new();
    };
    let middle =
        |reports: &[&Report], what: &str| median(reports.iter().filter_map(|report| report.get(what)));
    first
        .numbers
        .iter()
        .filter_map(|number| {
            Some(Pair {
                what: number.what.to_string(),
                unit: number.unit.to_string(),
                before: middle(before, &number.what)?,
                now: middle(now, &number.what)?,
            })
        })
        .collect()
}

/// The table for people.
pub(crate) fn print(before: &Run, now: &Run) {
    if before.machine != now.machine {
        println!(
            "\nthe earlier run was made on another machine: {:?}",
            before.machine
        );
    }
    for compared in compare(before, now) {
        println!("\n{}, compared", compared.scenario);
        let head = ["  what", "before", "now", "", "ratio"]
            .map(String::from)
            .to_vec();
        let rows = compared.rows.iter().map(|pair| {
            vec![
                format!("  {}", pair.what),
                show(pair.before),
                show(pair.now),
                pair.unit.clone(),
                pair.ratio().map_or("–".into(), show),
            ]
        });
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        print!("{}", table(&rows, &[false, true, true, false, true]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(scenario: &str, values: &[f64]) -> Run {
        let report = |value: &f64| {
            let mut report = Report::new(scenario, "a test");
            report.put("operations", *value, "per second");
            report
        };
        let reports = values.iter().map(report).collect();
        Run::new(serde_json::Value::Null, reports, Vec::new())
    }

    #[test]
    fn the_ratio_is_that_of_the_medians() {
        let compared = compare(&run("ops", &[10.0, 1.0, 2.0]), &run("ops", &[3.0]));
        let pair = &compared[0].rows[0];
        assert_eq!((pair.before, pair.now, pair.ratio()), (2.0, 3.0, Some(1.5)));
    }

    #[test]
    fn what_only_one_run_has_is_left_out() {
        assert!(compare(&run("ops", &[1.0]), &run("storm", &[1.0])).is_empty());
        assert_eq!(
            compare(&run("ops", &[0.0]), &run("ops", &[1.0]))[0].rows[0].ratio(),
            None
        );
    }
}
