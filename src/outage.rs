//! Tells the operator with one line that something the node depends on is away, and with one that it is back. Does not
//! know what it is, or how its absence was noticed.

use std::fmt::Display;
use tokio::time::Instant;

/// Something that the node depends on.
#[derive(Debug)]
pub struct Outage {
    name: &'static str,
    meanwhile: &'static str,
    since: Option<Instant>,
}

impl Outage {
    /// `name` is what the log calls it, `meanwhile` what the node does without it.
    pub fn of(name: &'static str, meanwhile: &'static str) -> Outage {
        Outage {
            name,
            meanwhile,
            since: None,
        }
    }

    /// It is away since then. Only the first call of an outage is told.
    pub fn begin(&mut self, since: Instant, reason: &dyn Display) {
        if self.since.is_none() {
            self.since = Some(since);
            tracing::warn!(
                target: "taskwire::outage",
                { error.message = %reason },
                "{} is away: {}",
                self.name,
                self.meanwhile
            );
        }
    }

    /// It is there. Only the first call after an outage is told.
    pub fn end(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            let away = now.saturating_duration_since(since);
            // of the level of the other line: who sees only that one would believe that it is still away
            tracing::warn!(
                target: "taskwire::outage",
                away_ms = away.as_millis() as u64,
                "{} is back",
                self.name
            );
        }
    }
}
