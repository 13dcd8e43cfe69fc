//! Counts what the hot paths cost: allocations and bytes in any build, instructions under callgrind. The counts are
//! equal on an idle and on a busy machine, so a regression of 10% can fail a test.
//!
//! - `paths`  the work that is counted
//! - `base`   the counts that were recorded, and the differences from them
//!
//! Usage: `hot_paths [--check | --record] [--base FILE]`; without `--check` and `--record` it only prints the counts.

mod base;
mod paths;

use base::{Base, Counts};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The option for the run under callgrind: it runs every path once and does nothing else.
const ONCE: &str = "--once";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if has(ONCE) {
        paths::all().iter_mut().for_each(paths::counted);
        return ExitCode::SUCCESS;
    }
    let given = arguments.iter().position(|argument| argument == "--base");
    let file = given.and_then(|at| arguments.get(at + 1)).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/hot-paths.json")),
        PathBuf::from,
    );
    let found = count();
    if has("--record") {
        return match base::record(&file, found) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&format!("{}: {error}", file.display())),
        };
    }
    if !has("--check") {
        return ExitCode::SUCCESS;
    }
    match Base::read(&file) {
        Ok(base) => report(&base, &found),
        Err(error) => failed(&format!("{}: {error}", file.display())),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

fn report(base: &Base, found: &Counts) -> ExitCode {
    let worse = base.worse(found);
    for line in &worse {
        println!("WORSE: {line}");
    }
    for line in base.better(found) {
        println!("better: {line}; record it with --record, so that a later regression is found");
    }
    if worse.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("if this is intended: cargo run -p loadtest --example hot_paths -- --record, and say why");
    ExitCode::FAILURE
}

/// Counts everything that this machine can count, and prints it.
fn count() -> Counts {
    let mut counts = Counts::new();
    for path in &mut paths::all() {
        let info = allocation_counter::measure(|| paths::counted(path));
        println!(
            "{}: {} allocations, {} bytes ({})",
            path.name, info.count_total, info.bytes_total, path.work
        );
        counts.put(path.name, "allocations", info.count_total);
        counts.put(path.name, "bytes", info.bytes_total);
    }
    match instructions() {
        Ok(found) => {
            for (name, count) in found {
                println!("{name}: {count} instructions");
                counts.put(&name, "instructions", count);
            }
        }
        Err(why) => println!("instructions were not counted: {why}"),
    }
    counts
}

/// The instructions of each path, from callgrind's inclusive counts.
fn instructions() -> Result<BTreeMap<String, u64>, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out = folder.path().join("callgrind.out");
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.map_err(|error| format!("{program}: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    let (out, this) = (out.display().to_string(), this.display().to_string());
    let into = format!("--callgrind-out-file={out}");
    run("valgrind", &["--tool=callgrind", &into, &this, ONCE])?;
    let text = run(
        "callgrind_annotate",
        &["--inclusive=yes", "--threshold=100", &out],
    )?;
    let found: BTreeMap<String, u64> = text.lines().filter_map(counted).collect();
    if found.is_empty() {
        return Err("callgrind's output names none of the paths".into());
    }
    Ok(found)
}

/// A line like ` 1,234,567 (12.3%)  file:hot_paths::paths::counted_decode [program]`.
fn counted(line: &str) -> Option<(String, u64)> {
    let (_, name) = line.split_once("::counted_")?;
    let name = name.chars().take_while(char::is_ascii_alphabetic).collect();
    let number = line.split_whitespace().next()?.replace(',', "");
    Some((name, number.parse().ok()?))
}
