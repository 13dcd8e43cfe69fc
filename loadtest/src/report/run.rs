//! All results of one call of the harness, written as JSON with the machine and the settings, and read again for a
//! comparison. The format has a version; files of another version are refused.

use super::Report;
use super::verdict::Verdict;
use crate::facts::Facts;
use crate::fault::Faults;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const FORMAT: &str = "taskwire-loadtest";
/// Increase this when programs that read the old format would misread the new one.
const VERSION: u32 = 1;

/// The results of one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    format: String,
    version: u32,
    /// Seconds since 1970, UTC.
    pub(crate) at: u64,
    /// The harness' own version.
    harness: String,
    pub(crate) machine: Facts,
    /// The options of the run, without tokens and passwords.
    pub(crate) settings: Value,
    pub(crate) reports: Vec<Report>,
    /// Only for `bars`.
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub(crate) bars: Vec<Verdict>,
}

impl Run {
    /// A run that has just ended, on this machine.
    pub(crate) fn new(settings: Value, reports: Vec<Report>, bars: Vec<Verdict>) -> Run {
        #[allow(
            clippy::disallowed_methods,
            reason = "the date of the run, for the person who reads it"
        )]
        let now = SystemTime::now();
        Run {
            format: FORMAT.into(),
            version: VERSION,
            at: now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            harness: env!("CARGO_PKG_VERSION").into(),
            machine: Facts::gather(),
            settings,
            reports,
            bars,
        }
    }

    /// Whether there was no fault. A bar that was not met is not a fault; the table shows it.
    pub(crate) fn is_clean(&self) -> bool {
        self.reports.iter().all(Report::is_clean)
    }

    /// All faults.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        for report in &self.reports {
            faults.extend(report.faults.clone());
        }
        faults
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads an earlier run.
    pub(crate) fn read(path: &Path) -> Result<Run> {
        let wrong = |why: String| Error::new(ErrorKind::InvalidData, format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if value["format"] != FORMAT || value["version"] != VERSION {
            return Err(wrong(format!("not a {FORMAT} file of version {VERSION}")));
        }
        serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::plot::{Axis, Plot};
    use super::*;

    #[test]
    fn a_run_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.json");
        let mut report = Report::new("ops", "a test");
        report.put("operations", 12_000.5, "per second");
        report.put("of nothing", f64::NAN, "µs");
        report
            .plots
            .push(Plot::new("CPU", Axis::linear("s"), Axis::log("%")).curve("server", vec![(1.0, 2.0)]));
        report
            .faults
            .add(crate::fault::Fault::LostAck, 2, || "two".into());
        let run = Run::new(serde_json::json!({"clients": 32}), vec![report], Vec::new());
        run.write(&path).expect("written");
        let read = Run::read(&path).expect("a run");
        assert_eq!(read.reports[0].get("operations"), Some(12_000.5));
        assert_eq!(read.reports[0].get("of nothing"), None);
        assert_eq!(read.reports[0].plots, run.reports[0].plots);
        assert_eq!((read.is_clean(), read.machine == run.machine), (false, true));
    }

    #[test]
    fn a_file_of_another_format_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.json");
        for text in [
            "",
            "{}",
            r#"{"format":"taskwire-loadtest","version":2,"reports":[]}"#,
        ] {
            std::fs::write(&path, text).expect("written");
            assert!(Run::read(&path).is_err(), "{text}");
        }
    }
}
