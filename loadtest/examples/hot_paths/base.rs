//! The recorded counts, by build and compiler, and the differences from them. Instructions depend on the compiler and
//! the build, so they are compared only with the same compiler. Allocations hardly depend on it, so they are always
//! compared.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::process::Command;

/// A count may grow by this part.
const TOLERANCE: f64 = 0.10;
/// A difference this small means nothing, because hash tables have a new seed in every run.
const SLACK: u64 = 4;

/// Counts by path and by what was counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Counts(BTreeMap<String, BTreeMap<String, u64>>);

/// The counts of one kind of build.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Recorded {
    /// The compiler and the machine, on which instructions depend.
    compiler: String,
    counts: Counts,
}

/// The recorded counts, by kind of build.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Base(BTreeMap<String, Recorded>);

impl Counts {
    pub(crate) fn new() -> Counts {
        Counts::default()
    }

    pub(crate) fn put(&mut self, path: &str, what: &str, count: u64) {
        self.0
            .entry(path.to_owned())
            .or_default()
            .insert(what.to_owned(), count);
    }

    fn get(&self, path: &str, what: &str) -> Option<u64> {
        self.0.get(path)?.get(what).copied()
    }
}

fn build() -> &'static str {
    if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    }
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    format!("{version}, {}", std::env::consts::ARCH)
}

/// Records the counts of this build beside those of the other.
pub(crate) fn record(file: &Path, counts: Counts) -> Result<()> {
    let mut base = match Base::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Base::default(),
        base => base?,
    };
    let compiler = compiler();
    base.0.insert(build().into(), Recorded { compiler, counts });
    std::fs::write(file, serde_json::to_string_pretty(&base)? + "\n")
}

impl Base {
    pub(crate) fn read(file: &Path) -> Result<Base> {
        let text = std::fs::read_to_string(file)?;
        serde_json::from_str(&text).map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }

    /// A line for each count that got worse. A path that is no longer counted is worse too.
    pub(crate) fn worse(&self, found: &Counts) -> Vec<String> {
        let Some(recorded) = self.0.get(build()) else {
            return vec![format!("no counts are recorded for a {} build", build())];
        };
        let same = recorded.compiler == compiler();
        if !same {
            println!(
                "instructions are not compared, because they were recorded with another compiler: {}",
                recorded.compiler
            );
        }
        let mut worse = Vec::new();
        for (path, whats) in &recorded.counts.0 {
            for (what, before) in whats {
                let by_compiler = what == "instructions";
                match found.get(path, what) {
                    None if !by_compiler => worse.push(format!("{path}: {what} were not counted")),
                    Some(now) if (same || !by_compiler) && is_more(now, *before) => {
                        worse.push(line(path, what, *before, now));
                    }
                    _ => {}
                }
            }
        }
        worse
    }

    /// A line for each count that got better.
    pub(crate) fn better(&self, found: &Counts) -> Vec<String> {
        let Some(recorded) = self.0.get(build()) else {
            return Vec::new();
        };
        let all = recorded
            .counts
            .0
            .iter()
            .flat_map(|(path, whats)| whats.iter().map(move |(what, before)| (path, what, *before)));
        all.filter_map(|(path, what, before)| {
            let now = found.get(path, what)?;
            let same = what != "instructions" || recorded.compiler == compiler();
            (same && is_more(before, now)).then(|| line(path, what, before, now))
        })
        .collect()
    }
}

fn is_more(now: u64, before: u64) -> bool {
    now > before + SLACK && now as f64 > before as f64 * (1.0 + TOLERANCE)
}

fn line(path: &str, what: &str, before: u64, now: u64) -> String {
    let percent = (now as f64 / before.max(1) as f64 - 1.0) * 100.0;
    format!("{path}: {now} {what}, recorded {before} ({percent:+.1}%)")
}
