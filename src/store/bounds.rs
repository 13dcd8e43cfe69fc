//! How long the statements of a reader may take, and how PostgreSQL is told. SQLite looks at the time itself
//! (`file_readers`).

use super::{Result, StoreError};
use std::time::{Duration, Instant};

/// A statement takes at most this long on PostgreSQL: the `statement_timeout` of its connections (`postgres`).
pub(super) const STATEMENT: Duration = Duration::from_millis(4500);
/// PostgreSQL may end a statement this much later than its query's time, if telling it exactly would cost a round trip.
const SLACK: Duration = Duration::from_millis(500);

/// How long the statements of a reader may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// When the query's time is over, if it is bounded.
    pub(super) until: Option<Instant>,
    /// PostgreSQL ends each statement after this time.
    pub(super) statement: Duration,
}

impl Bounds {
    /// The time that is left, if PostgreSQL has to be told. From then on it counts as told.
    pub(super) fn shortened(&mut self) -> Result<Option<Duration>> {
        let left = self.left()?.filter(|left| *left + SLACK < self.statement);
        self.statement = left.unwrap_or(self.statement);
        Ok(left)
    }

    /// The time that is left, if it is bounded.
    pub(super) fn left(&self) -> Result<Option<Duration>> {
        let Some(until) = self.until else {
            return Ok(None);
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(StoreError::overdue());
        }
        Ok(Some(left))
    }
}

/// Has PostgreSQL end the statements of a transaction after a time, not before it.
pub(super) fn ending(after: Duration) -> String {
    format!(
        "set local statement_timeout = '{}'",
        milliseconds(after + Duration::from_millis(1))
    )
}

/// A time in the words of PostgreSQL's settings, at least a millisecond: 0 would be no limit.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis().max(1))
}
