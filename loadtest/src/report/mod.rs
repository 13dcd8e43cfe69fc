//! The results of a scenario: numbers with units, curves, and whether every check held.
//!
//! - `run`      all results of one call of the harness, written and read as JSON
//! - `compare`  compares two runs
//! - `verdict`  compares medians with the bars
//! - `plot`     curves as data; `svg` draws them; `html` the page of a run

pub(crate) mod compare;
pub(crate) mod html;
pub(crate) mod plot;
pub(crate) mod run;
mod svg;
pub(crate) mod verdict;

use crate::fault::Faults;
use crate::meter::{Latency, millis_at};
use crate::processes::Spent;
use crate::stop;
use plot::Plot;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The results of a scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The name of the scenario. Reports of two runs with the same name are compared.
    pub(crate) scenario: String,
    /// The scenario and its settings.
    pub(crate) title: String,
    pub(crate) numbers: Vec<Number>,
    pub(crate) plots: Vec<Plot>,
    /// The checks that were made, as a phrase for people.
    pub(crate) checked: String,
    pub(crate) faults: Faults,
    /// A person ended the run early, so it measured less than the title says.
    #[serde(default)]
    pub(crate) ended_early: bool,
}

/// A number that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Number {
    pub(crate) what: Cow<'static, str>,
    pub(crate) value: f64,
    pub(crate) unit: Cow<'static, str>,
}

impl Report {
    pub(crate) fn new(scenario: impl Into<String>, with: impl AsRef<str>) -> Report {
        let scenario = scenario.into();
        Report {
            title: format!("{scenario}: {}", with.as_ref()),
            scenario,
            numbers: Vec::new(),
            plots: Vec::new(),
            checked: String::new(),
            faults: Faults::default(),
            ended_early: false,
        }
    }

    /// Marks the report if a person ended the run early. Call it once, after the run.
    pub(crate) fn over(mut self) -> Report {
        if stop::is_asked() && !self.ended_early {
            self.ended_early = true;
            self.title += " (ended early)";
        }
        self
    }

    pub(crate) fn put(&mut self, what: impl Into<Cow<'static, str>>, value: f64, unit: &'static str) {
        // JSON cannot write the result of a division by 0.
        if value.is_finite() {
            let (what, unit) = (what.into(), unit.into());
            // The sum of an empty iterator is -0; this makes it 0.
            let value = value + 0.0;
            self.numbers.push(Number { what, value, unit });
        }
    }

    /// How busy the server and this program kept their cores. When this program is near 100%, the run says more about it
    /// than about the server.
    pub(crate) fn put_cores(&mut self, spent: Spent, seconds: f64) {
        if spent.server > 0.0 {
            self.put("server", Spent::of_a_core(spent.server, seconds), "% of a core");
        }
        if spent.harness > 0.0 {
            self.put(
                "this program",
                Spent::of_a_core(spent.harness, seconds),
                "% of a core",
            );
        }
    }

    /// p50, p99 and the worst of a histogram of µs, in ms.
    pub(crate) fn put_latency(&mut self, latency: &Latency) {
        if latency.is_empty() {
            return;
        }
        self.put("latency p50", millis_at(latency, 0.5), "ms");
        self.put("latency p99", millis_at(latency, 0.99), "ms");
        self.put("latency worst", latency.max() as f64 / 1000.0, "ms");
    }

    /// The latency of `task.create` while nothing else happens, beside the same under a load that `with` names.
    pub(crate) fn put_beside(&mut self, alone: &Latency, loaded: &Latency, with: &str) {
        for (quantile, name) in [(0.5, "p50"), (0.99, "p99")] {
            let (quiet, busy) = (millis_at(alone, quantile), millis_at(loaded, quantile));
            self.put(format!("task.create alone, {name}"), quiet, "ms");
            self.put(format!("task.create {with}, {name}"), busy, "ms");
            self.put(format!("{name}, times as long"), busy / quiet, "×");
        }
        let plot = Plot::percentiles("task.create");
        self.plots
            .push(plot.of("alone", alone).of(with.to_owned(), loaded));
    }

    /// Adds another report. Its curves are added to the plots with the same title.
    pub(crate) fn join(&mut self, other: Report) {
        self.numbers.extend(other.numbers);
        self.faults.extend(other.faults);
        for plot in other.plots {
            match self.plots.iter_mut().find(|ours| ours.title == plot.title) {
                Some(ours) => ours.curves.extend(plot.curves),
                None => self.plots.push(plot),
            }
        }
    }

    /// A number by its name.
    pub(crate) fn get(&self, what: &str) -> Option<f64> {
        self.numbers
            .iter()
            .find(|number| number.what == what)
            .map(|number| number.value)
    }

    /// Whether there was no fault.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// Prints the report for people.
    pub(crate) fn print(&self) {
        println!("\n{}", self.title);
        let rows: Vec<Vec<String>> = self
            .numbers
            .iter()
            .map(|number| {
                vec![
                    format!("  {}", number.what),
                    show(number.value),
                    number.unit.to_string(),
                ]
            })
            .collect();
        print!("{}", table(&rows, &[false, true, false]));
        if self.is_clean() {
            println!("  checked: {}; nothing was wrong", self.checked);
            return;
        }
        println!("  FAILED: {} (checked: {})", self.faults, self.checked);
        for example in &self.faults.examples {
            println!("    {example}");
        }
    }
}

/// A number with its significant digits.
pub(crate) fn show(value: f64) -> String {
    let digits = match value.abs() {
        0.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    let plain = format!("{value:.digits$}");
    if digits > 0 || plain.len() < 5 {
        return plain;
    }
    let (sign, number) = plain
        .strip_prefix('-')
        .map_or(("", plain.as_str()), |number| ("-", number));
    let first = (number.len() - 1) % 3 + 1;
    let mut grouped = format!("{sign}{}", &number[..first]);
    for group in number.as_bytes()[first..].chunks(3) {
        grouped.push(',');
        grouped.push_str(str::from_utf8(group).unwrap_or_default());
    }
    grouped
}

/// Rows with aligned columns; `right` says which are aligned to the right.
pub(crate) fn table(rows: &[Vec<String>], right: &[bool]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..right.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(&widths).zip(right) {
            let space = " ".repeat(width - cell.chars().count());
            line += &if *right {
                space + cell
            } else {
                cell.clone() + &space
            };
            line += "  ";
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_significant_digits() {
        let shown = [0.943, 12.34, 250.4, 1234.0, 25_300.0, 2_500_000.0, -0.12].map(show);
        assert_eq!(
            shown,
            ["0.94", "12.3", "250", "1234", "25,300", "2,500,000", "-0.12"]
        );
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "1"], ["long", "100"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(table(&rows, &[false, true]), "a       1\nlong  100\n");
    }
}
