//! `taskwire doctor`: checks everything that a node with these settings depends on. Each check is one line, and a
//! second one with advice if something is wrong. It can run beside a node. It changes nothing, except that it writes a
//! file in data_dir, and one in the store of files, and removes them again.
//!
//! - `database`  the database, and its clock
//! - `network`   Redis and SMTP: the connection, and the first answer
//! - `disk`      data_dir
//! - `files`     the store of files
//! - `accounts`  settings with which people cannot sign in, or are not protected

mod accounts;
mod database;
mod disk;
mod files;
mod network;

use crate::clock::Clock;
use crate::config::Settings;
use std::fmt;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Not in use.
    Off,
    /// In order.
    Ok,
    /// A node runs, but not as well or as safely as it could.
    Warning,
    /// Something that the settings ask for is missing or broken.
    Failure,
}

/// What one check found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was checked.
    pub subject: &'static str,
    /// The result.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when nothing need be done.
    pub advice: String,
}

impl Finding {
    fn new(subject: &'static str, outcome: Outcome, found: impl Into<String>) -> Finding {
        Finding {
            subject,
            outcome,
            found: found.into(),
            advice: String::new(),
        }
    }

    fn ok(subject: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(subject, Outcome::Ok, found)
    }

    fn off(subject: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(subject, Outcome::Off, found)
    }

    fn warning(subject: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(subject, Outcome::Warning, found)
    }

    fn failure(subject: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(subject, Outcome::Failure, found)
    }

    fn advise(mut self, advice: impl Into<String>) -> Finding {
        self.advice = advice.into();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Off => "off",
            Outcome::Ok => "ok",
            Outcome::Warning => "warning",
            Outcome::Failure => "FAILURE",
        };
        write!(f, "{:<13}{outcome:<9}{}", self.subject, self.found)?;
        if !self.advice.is_empty() {
            write!(f, "\n{:22}-> {}", "", self.advice)?;
        }
        Ok(())
    }
}

/// Runs all checks, one after the other.
pub async fn examine(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let mut findings = database::findings(settings, clock).await;
    findings.push(network::redis(settings).await);
    findings.push(network::smtp(settings).await);
    findings.extend(disk::findings(settings));
    findings.push(files::finding(settings).await);
    findings.extend(accounts::findings(settings));
    findings
}

/// Whether no check failed.
pub fn is_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.outcome != Outcome::Failure)
}
