//! The one bound of every wait on PostgreSQL, and what a silent connection tells about the others. A firewall that
//! restarts, or a host that fails, ends connections without a word: what is written disappears, and no answer comes,
//! while new connections work. So one connection without an answer makes all connections of its age suspect. Does not
//! own connections: their owners replace them.

use super::{Result, StoreError};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest wait: for a connection, for the answer to a statement, for a commit. A server that lives ends statements
/// and waits for locks earlier (`postgres::GUARDS`), and answers with an error. So no answer means a dead connection.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// A wait looks this often whether its connection has become suspect.
const LOOK: Duration = Duration::from_millis(250);

/// Which connections are suspect.
#[derive(Debug)]
pub(super) struct Trust {
    begun: Instant,
    /// Connections that were opened before this are suspect: nanoseconds since `begun`.
    suspect_before: AtomicU64,
}

impl Trust {
    /// No connection is suspect.
    pub(super) fn new() -> Trust {
        Trust {
            begun: Instant::now(),
            suspect_before: AtomicU64::new(0),
        }
    }

    /// Waits for an answer on a connection that was opened at `opened`. Without an answer the error is
    /// [`StoreError::silence`], and the connection must be closed: not even a rollback may be sent on it.
    pub(super) async fn answered<T>(
        &self,
        opened: Instant,
        asked: impl Future<Output = sqlx::Result<T>>,
    ) -> Result<T> {
        let mut asked = pin!(asked);
        let mut waited = Duration::ZERO;
        while waited < WAIT && !self.is_suspect(opened) {
            if let Ok(answer) = tokio::time::timeout(LOOK, &mut asked).await {
                return Ok(answer?);
            }
            waited += LOOK;
        }
        if waited >= WAIT {
            self.doubt(waited);
        }
        Err(StoreError::silence())
    }

    /// A connection gave no answer for the time `waited`: from now on, all connections that are older than this wait
    /// are suspect.
    pub(super) fn doubt(&self, waited: Duration) {
        let before = self.begun.elapsed().saturating_sub(waited).as_nanos() as u64;
        if self.suspect_before.fetch_max(before, Ordering::Relaxed) < before {
            tracing::warn!(
                "a connection to PostgreSQL gave no answer for {waited:?}; all connections that were opened before are \
                 replaced"
            );
        }
    }

    /// Whether a connection that was opened then must be replaced before it is used.
    pub(super) fn is_suspect(&self, opened: Instant) -> bool {
        let opened = opened.saturating_duration_since(self.begun).as_nanos() as u64;
        opened < self.suspect_before.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test(start_paused = true)]
    async fn one_silent_connection_makes_older_ones_suspect_and_younger_ones_not() {
        let trust = Trust::new();
        let old = Instant::now();
        assert!(trust.answered(old, ready(Ok(1))).await.is_ok());
        assert!(!trust.is_suspect(old));
        std::thread::sleep(Duration::from_millis(2));
        trust.doubt(Duration::from_millis(1));
        let young = Instant::now();
        assert!(trust.is_suspect(old) && !trust.is_suspect(young));
        // a wait on an old connection ends at once, and a wait on a young one lasts as long as any
        let begun = tokio::time::Instant::now();
        let refused = trust.answered::<()>(old, pending()).await;
        assert!(refused.is_err_and(|error| error.is_silence()) && begun.elapsed().is_zero());
        assert!(trust.answered::<()>(young, pending()).await.is_err());
        assert!(begun.elapsed() >= WAIT, "{:?}", begun.elapsed());
    }
}
