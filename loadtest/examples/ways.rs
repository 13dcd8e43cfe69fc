//! Measures how much each of the store's ways to write saves (`src/store/ways`). It runs `loadtest ops` in turn, with
//! all ways and without each of them, and prints the CPU of an operation: medians and ratios. A way whose ratio is
//! within the spread of the runs saves nothing.
//!
//! The server must be a build with the feature `ablation`; any other one refuses to start with `TASKWIRE_WITHOUT` set:
//!
//! ```sh
//! cargo build --release -p taskwire --features ablation && cargo build --release -p loadtest
//! cargo run --release -p loadtest --example ways -- --database-url postgres://… --postmaster PID
//! ```

use clap::Parser;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The ways that a server lacks, and the ways that the server lacks with which it is compared.
type Pair = (&'static str, &'static str);

const SQLITE: [Pair; 3] = [("counted", ""), ("waiting", ""), ("two_trees", "")];
/// `optimistic` needs `counted` and `together`, and a group that it serves does not use `named`. These three are measured
/// where it is off.
const POSTGRES: [Pair; 5] = [
    ("optimistic", ""),
    ("composite", ""),
    ("optimistic,counted", "optimistic"),
    ("optimistic,together", "optimistic"),
    ("optimistic,named", "optimistic"),
];

/// Measures how much each of the store's ways to write saves.
#[derive(Parser)]
struct Arguments {
    /// Runs of each server; the order changes with every turn
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Measure on this PostgreSQL too
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// The PID of PostgreSQL's first process; without it, the numbers of PostgreSQL count the server's CPU only
    #[arg(long, value_name = "PID", requires = "database_url")]
    postmaster: Option<u32>,
    /// The folder with `taskwire` and `loadtest` [default: the parent of this program's folder]
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Further options of `loadtest ops`, after `--`
    #[arg(last = true)]
    ops: Vec<String>,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("the measurement failed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let beside = own.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let harness = arguments.programs.as_deref().unwrap_or(beside).join("loadtest");
    measure_one("SQLite", &SQLITE, arguments, &harness, &[])?;
    if let Some(url) = &arguments.database_url {
        let mut place = vec!["--database-url".to_owned(), url.clone()];
        if let Some(pid) = arguments.postmaster {
            place.extend(["--postmaster".to_owned(), pid.to_string()]);
        }
        measure_one("PostgreSQL", &POSTGRES, arguments, &harness, &place)?;
    }
    Ok(())
}

fn measure_one(
    database: &str,
    pairs: &[Pair],
    arguments: &Arguments,
    harness: &Path,
    place: &[String],
) -> Result<(), String> {
    let mut subjects: Vec<(&str, Vec<f64>)> = vec![("", Vec::new())];
    subjects.extend(pairs.iter().map(|(without, _)| (*without, Vec::new())));
    for turn in 0..arguments.turns {
        // rotate, so that each server is the first or the last of a turn now and then
        subjects.rotate_left(1);
        for (without, costs) in &mut subjects {
            let without: &str = without;
            let shown = if without.is_empty() { "nothing" } else { without };
            eprintln!(
                "{database}, turn {} of {}: without {shown}",
                turn + 1,
                arguments.turns
            );
            costs.push(cost(harness, place, &arguments.ops, without)?);
        }
    }
    for (_, costs) in &mut subjects {
        costs.sort_by(f64::total_cmp);
    }
    let runs = arguments.turns;
    println!("\n{database}: CPU of an operation in µs (median, least, most of {runs} runs)");
    let found = |wanted: &str| subjects.iter().find(|(without, _)| *without == wanted);
    for (without, base) in std::iter::once(&("", "")).chain(pairs) {
        let (Some((_, costs)), Some((_, base_costs))) = (found(without), found(base)) else {
            continue;
        };
        let (least, most) = (costs.first(), costs.last());
        let (least, most) = (least.unwrap_or(&f64::NAN), most.unwrap_or(&f64::NAN));
        let (middle, ratio) = (median(costs), median(costs) / median(base_costs));
        let (name, base) = (named(without), named(base));
        println!("{name:<28}{middle:>8.1}{least:>8.1}{most:>8.1}  ×{ratio:.3} of {base}");
    }
    Ok(())
}

/// The CPU of an operation in µs, including the database's if it is known.
fn cost(harness: &Path, place: &[String], ops: &[String], without: &str) -> Result<f64, String> {
    let found = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let mut run = Command::new(harness);
    run.args(place)
        .arg("--pin")
        .arg("--json")
        .arg(found.path())
        .arg("ops")
        .args(ops);
    if !without.is_empty() {
        run.env("TASKWIRE_WITHOUT", without);
    }
    let output = run.stdout(Stdio::null()).status();
    let status = output.map_err(|error| format!("{}: {error}", harness.display()))?;
    if !status.success() {
        return Err(format!("a run without {without:?} ended with {status}"));
    }
    let text = std::fs::read_to_string(found.path()).map_err(|error| error.to_string())?;
    let run: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let number = |what: &str| {
        let numbers = run["reports"][0]["numbers"].as_array()?;
        numbers.iter().find(|number| number["what"] == what)?["value"].as_f64()
    };
    let cost = number("CPU per operation").or_else(|| number("of the server alone, per operation"));
    cost.ok_or_else(|| "the report has no CPU per operation".to_owned())
}

fn named(without: &str) -> String {
    if without.is_empty() {
        return "all ways".to_owned();
    }
    format!("without {without}")
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted {
        [] => f64::NAN,
        _ if sorted.len().is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}
