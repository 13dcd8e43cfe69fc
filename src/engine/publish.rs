//! Where the engine meets the live streams: a committed group goes out, and the log is read back for those behind.

use crate::live::{Frame, Log, LogRange, LogUnavailable, Reading};
use crate::store::{Store, log};
use taskwire_protocol::StreamId;

/// The stored log, as the live streams read it.
pub(super) struct StoredLog(pub(super) Store);

impl StoredLog {
    fn unavailable(error: &crate::store::StoreError) -> LogUnavailable {
        tracing::warn!(error = %error, "the log cannot be read");
        LogUnavailable
    }
}

impl Log for StoredLog {
    fn range(&self, stream: StreamId) -> Reading<'_, LogRange> {
        let store = self.0.clone();
        Box::pin(async move {
            // in a task of its own: a read that is dropped half-way must not leave its connection in disorder
            let read = tokio::spawn(async move { log::range(&mut store.read().await?, stream).await });
            let range = read.await.map_err(|_| LogUnavailable)?;
            let (tail, head) = range.map_err(|error| StoredLog::unavailable(&error))?;
            Ok(LogRange {
                tail: tail as u64,
                head: head as u64,
            })
        })
    }

    fn page(&self, stream: StreamId, after: u64, limit: usize) -> Reading<'_, Vec<(u64, Frame)>> {
        let store = self.0.clone();
        Box::pin(async move {
            let read = tokio::spawn(async move {
                log::page(&mut store.read().await?, stream, after as i64, limit as i64).await
            });
            let page = read.await.map_err(|_| LogUnavailable)?;
            let page = page.map_err(|error| StoredLog::unavailable(&error))?;
            Ok(page
                .into_iter()
                .map(|(seq, frame)| (seq as u64, Frame::from(frame)))
                .collect())
        })
    }
}
