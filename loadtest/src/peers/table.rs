//! Shows many measurements as one table: a row for each number, a column for each server. A cell has the median of the
//! runs and its ratio to the base column. Does not know how a number was measured.

use super::found::Found;
use crate::statistics::median;
use crate::trouble::Trouble;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The rows: the name of the number, and its label.
const ROWS: [(&str, &str); 23] = [
    ("idle.memory", "idle: memory per socket, KiB"),
    ("idle.connects", "idle: connects/s"),
    ("idle.cpu", "idle: server CPU per connect, µs"),
    (
        "moderate.cpu",
        "fan-out, 10 events/s: server CPU per delivery, µs",
    ),
    ("moderate.p50", "fan-out, 10 events/s: latency p50, ms"),
    ("moderate.p99", "fan-out, 10 events/s: latency p99, ms"),
    ("bursts.cpu", "fan-out, bursts of 8: server CPU per delivery, µs"),
    ("bursts.p99", "fan-out, bursts of 8: latency p99, ms"),
    ("saturated.rate", "fan-out, saturated: deliveries/s"),
    ("saturated.cpu", "fan-out, saturated: server CPU per delivery, µs"),
    ("saturated.client", "  the client's core, %"),
    ("ops.rate", "durable task.create: operations/s"),
    ("ops.cpu", "durable task.create: all CPU per operation, µs"),
    ("ops.server", "  of that the server, µs"),
    ("ops.p50", "durable task.create: latency p50, ms"),
    ("ops.p99", "durable task.create: latency p99, ms"),
    ("ops.client", "  the client's core, %"),
    ("storm.seconds", "storm: seconds until all are back"),
    ("storm.cpu", "storm: server CPU per socket, µs"),
    ("storm.sent_away", "storm: sent away and tried again, times"),
    (
        "storm.recovered",
        "storm: sockets that got the event they missed, %",
    ),
    ("storm.client", "  the client's core, %"),
    ("runs", "runs"),
];

/// The table of measured lines, one JSON object each.
pub(super) fn of(lines: &str, base: &str) -> Result<String, Trouble> {
    let found = lines
        .lines()
        .filter(|line| !line.is_empty())
        .map(serde_json::from_str)
        .collect::<Result<Vec<Found>, _>>()?;
    let columns = columns(&found);
    let base = columns
        .iter()
        .find(|column| **column == base)
        .or_else(|| columns.iter().find(|column| column.starts_with("taskwire")))
        .copied();
    let values = medians(&found);
    let mut rows = vec![heading(&columns, base)];
    for (key, label) in ROWS {
        let row: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = values.get(&(*column, key)).copied();
                let of = base.filter(|base| base != column && !label.starts_with(' ') && key != "runs");
                let to = of.and_then(|base| values.get(&(base, key)).copied());
                cell(value, to)
            })
            .collect();
        if row.iter().any(|cell| cell != "–") {
            rows.push(std::iter::once(label.to_owned()).chain(row).collect());
        }
    }
    let mut text = aligned(&rows);
    text.push_str(&faults(&found, &columns));
    Ok(text)
}

/// The columns, in the order in which they were measured.
fn columns(found: &[Found]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let columns = found.iter().map(|found| found.column.as_str());
    columns.filter(|column| seen.insert(*column)).collect()
}

fn heading(columns: &[&str], base: Option<&str>) -> Vec<String> {
    let name = base.map_or("median of the runs".to_owned(), |base| {
        format!("median of the runs (times {base})")
    });
    std::iter::once(name)
        .chain(columns.iter().map(|column| (*column).to_owned()))
        .collect()
}

/// The median of each number of each column, and how many runs there were at most.
fn medians(found: &[Found]) -> BTreeMap<(&str, &str), f64> {
    let mut all: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for found in found {
        for (key, value) in &found.values {
            all.entry((&found.column, key)).or_default().push(*value);
        }
    }
    let mut medians = BTreeMap::new();
    for ((column, key), values) in all {
        let Some(middle) = median(values.iter().copied()) else {
            continue;
        };
        medians.insert((column, key), middle);
        let runs: &mut f64 = medians.entry((column, "runs")).or_default();
        *runs = runs.max(values.len() as f64);
    }
    medians
}

/// A value, and its ratio to the base.
fn cell(value: Option<f64>, base: Option<f64>) -> String {
    let Some(value) = value else {
        return "–".into();
    };
    match base {
        Some(base) if base > 0.0 => format!("{} ({}×)", short(value), short(value / base)),
        _ => short(value),
    }
}

/// Three digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 999_500.0 {
        format!("{:.2}M", value / 1e6)
    } else if size >= 9_999.5 {
        format!("{:.0}k", value / 1e3)
    } else if size >= 99.95 || value == 0.0 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The rows as a Markdown table that is also aligned as plain text.
fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (n, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let (width, right) = (*width, column > 0);
            // Writing to a string cannot fail.
            let _ = if right {
                write!(text, "| {cell:>width$} ")
            } else {
                write!(text, "| {cell:<width$} ")
            };
        }
        text.push_str("|\n");
        if n == 0 {
            for (column, width) in widths.iter().enumerate() {
                let line = "-".repeat(*width + usize::from(column == 0));
                let _ = write!(text, "| {line}{}", if column > 0 { ":" } else { "" });
            }
            text.push_str("|\n");
        }
    }
    text
}

/// The faults: a line for each kind in each column.
fn faults(found: &[Found], columns: &[&str]) -> String {
    let mut text = String::new();
    for column in columns {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for found in found.iter().filter(|found| found.column == *column) {
            for (what, times) in &found.faults {
                *sums.entry(what).or_default() += times;
            }
        }
        for (what, times) in sums {
            let _ = writeln!(text, "{column}: {times} {what}");
        }
    }
    if text.is_empty() {
        text.push_str("every delivery arrived exactly once, in order\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_median_and_the_ratio() {
        let line = |column: &str, value: f64| {
            format!(r#"{{"column":"{column}","values":{{"idle.memory":{value}}},"faults":{{}}}}"#)
        };
        let lines = [
            line("slow", 30.0),
            line("taskwire", 4.0),
            line("slow", 10.0),
            line("taskwire", 5.0),
            line("slow", 20.0),
            line("taskwire", 90.0),
        ];
        let table = of(&lines.join("\n"), "taskwire").expect("a table");
        let rows: Vec<&str> = table.lines().collect();
        assert!(rows[0].contains("times taskwire"), "{table}");
        assert!(
            rows[2].contains("| 20.0 (4.00×) |") && rows[2].contains("|     5.00 |"),
            "{table}"
        );
        assert!(rows[4].contains("exactly once"), "{table}");
    }
}
