//! What SIGHUP does: it reads the settings again, and takes over what a running node can take over. The rest waits for
//! the next start, and a line says so. Does not know what else a signal does.

use std::sync::{Mutex, PoisonError};

use crate::config::{Effective, Flags, Settings};
use crate::telemetry::Log;

/// The setting that a running node takes over.
const TAKEN: &str = "log_level";

/// The sources of the settings, and what they said at the start.
pub struct Reload {
    flags: Flags,
    log: Log,
    started_with: Effective,
    /// Two at once would leave the older level in force.
    one_at_a_time: Mutex<()>,
}

impl Reload {
    /// A node with these settings, which logs here.
    pub fn new(flags: Flags, log: Log, started_with: Effective) -> Reload {
        Reload {
            flags,
            log,
            started_with,
            one_at_a_time: Mutex::new(()),
        }
    }

    /// Writes the warnings that were counted and not written: the last lines follow.
    pub fn report_repeats(&self) {
        self.log.report_repeats();
    }

    /// Reads all sources again. Settings that cannot be used change nothing.
    pub fn again(&self) {
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let (settings, effective) = match Settings::load(self.flags.clone()) {
            Ok(loaded) => loaded,
            Err(error) => {
                let problems = error.in_one_line();
                tracing::error!("the settings were not reloaded; those in force stay: {problems}");
                return;
            }
        };
        self.log.set_levels(&settings.log_level);
        let changed = effective.changed_since(&self.started_with);
        let waiting: Vec<&str> = changed.into_iter().filter(|key| *key != TAKEN).collect();
        let log_level = settings.log_level.to_string();
        if waiting.is_empty() {
            tracing::info!(log_level, "the settings were reloaded");
        } else {
            let waiting = waiting.join(", ");
            tracing::info!(
                log_level,
                "the settings were reloaded; these changed and wait for the next start: {waiting}"
            );
        }
    }
}
