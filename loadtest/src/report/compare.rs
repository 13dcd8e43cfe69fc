//! Compares two runs: each number before and now, and the ratio. Scenarios are matched by name; for several reports of
//! one scenario the medians are compared. It says when machines or settings differ.

use super::run::Run;
use super::{Report, show, table};
use crate::statistics::median;
use serde_json::{Map, Value};
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
    /// The number now, divided by the number before; `None` when the number before was 0.
    pub(crate) fn ratio(&self) -> Option<f64> {
        (self.before.abs() > f64::EPSILON).then(|| self.now / self.before)
    }
}

/// The numbers that both runs measured.
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

/// Why ratios to the earlier run may mislead, a sentence each.
pub(crate) fn doubts(before: &Run, now: &Run) -> Vec<String> {
    let mut doubts = Vec::new();
    if before.machine != now.machine {
        doubts.push(format!(
            "the earlier run was made on another machine: {:?}",
            before.machine
        ));
    }
    let mut others = Vec::new();
    differences("", &before.settings, &now.settings, &mut others);
    if !others.is_empty() {
        doubts.push(format!(
            "the earlier run had other settings: {}",
            others.join(", ")
        ));
    }
    if !before.is_clean() {
        doubts.push(format!(
            "the earlier run failed, so its numbers mean little: {}",
            before.faults()
        ));
    }
    let early = before.reports.iter().filter(|report| report.ended_early);
    doubts.extend(early.map(|report| format!("of the earlier run: {}", report.title)));
    doubts
}

/// Settings that differ, like `scenario.ops.clients 32 → 1`.
fn differences(name: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    if before == now {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, now) else {
        return found.push(format!("{} {before} → {now}", name.trim_start_matches('.')));
    };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let value = |of: &Map<String, Value>| of.get(key).cloned().unwrap_or_default();
        differences(&format!("{name}.{key}"), &value(old), &value(new), found);
    }
}

/// The table for people.
pub(crate) fn print(before: &Run, now: &Run) {
    for doubt in doubts(before, now) {
        println!("\n{doubt}");
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
    fn a_doubtful_comparison_has_its_reasons() {
        let (mut before, mut now) = (run("ops", &[1.0]), run("ops", &[1.0]));
        assert!(doubts(&before, &now).is_empty());
        before.settings = serde_json::json!({ "ops": { "clients": 32, "mix": "create" }, "pinned": true });
        now.settings = serde_json::json!({ "ops": { "clients": 1, "mix": "create" }, "pinned": true });
        let report = &mut before.reports[0];
        report.faults.add(crate::fault::Fault::Gap, 2, || "two".into());
        report.ended_early = true;
        let said = doubts(&before, &now).join("\n");
        for what in ["ops.clients 32 → 1", "2 × gap", "of the earlier run: ops"] {
            assert!(said.contains(what), "{said}");
        }
        assert!(!said.contains("mix") && !said.contains("pinned"), "{said}");
    }

    #[test]
    fn a_scenario_that_only_one_run_has_is_left_out() {
        assert!(compare(&run("ops", &[1.0]), &run("storm", &[1.0])).is_empty());
        assert_eq!(
            compare(&run("ops", &[0.0]), &run("ops", &[1.0]))[0].rows[0].ratio(),
            None
        );
    }
}
