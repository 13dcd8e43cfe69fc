//! A page of the log, for cursors whose next entry has left the ring: read, checked, and searched for removals that
//! were never published here. Does not know cursors.

use super::{
    Frame,
    control::removed_member,
    log::{Log, LogUnavailable},
    ring::{self, Batch},
};
use std::sync::Arc;
use taskwire_protocol::{StreamId, UserId};

/// The most entries of one read.
pub(crate) const ENTRIES: usize = 64;

/// A page ends with the frame that reaches this many bytes: a slow socket may hold a page for a long time.
const BYTES: usize = 64 * 1024;

/// Names a page: its stream, the seq before its first entry, and the edition of the topic when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageKey {
    pub(crate) stream: StreamId,
    pub(crate) after: u64,
    pub(crate) edition: u64,
}

/// Consecutive entries of a log, at least one.
#[derive(Debug)]
pub(crate) struct Page {
    /// The edition that it was read under.
    pub(crate) edition: u64,
    /// Users whose access ends within it, and at which seq.
    pub(crate) removals: Vec<(UserId, u64)>,
    first: u64,
    frames: Vec<Frame>,
}

/// Why a page does not exist, and never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPage {
    /// Retention has removed everything up to this seq, the page's first entry included.
    Overtaken(u64),
    /// An entry is missing.
    Broken,
}

/// The outcome of reading a page.
pub(crate) type PageRead = Result<Result<Arc<Page>, NoPage>, LogUnavailable>;

impl Page {
    /// Reads a page. The caller knows that an entry after `key.after` was committed.
    pub(crate) async fn read(log: &dyn Log, key: PageKey) -> PageRead {
        let entries = log.page(key.stream, key.after, ENTRIES).await?;
        let first = key.after + 1;
        if entries.first().is_none_or(|(seq, _)| *seq != first) {
            let tail = log.range(key.stream).await?.tail;
            return Ok(Err(if tail > key.after {
                NoPage::Overtaken(tail)
            } else {
                NoPage::Broken
            }));
        }
        if !entries
            .iter()
            .zip(first..)
            .all(|((seq, _), expected)| *seq == expected)
        {
            return Ok(Err(NoPage::Broken));
        }
        let mut room = BYTES;
        let fits = |(_, frame): &(u64, Frame)| {
            let fits = room > 0;
            room = room.saturating_sub(frame.len());
            fits
        };
        let frames: Vec<Frame> = entries
            .into_iter()
            .take_while(fits)
            .map(|(_, frame)| frame)
            .collect();
        let removals = match key.stream {
            StreamId::Workspace(_) => removals(first, &frames),
            StreamId::User(_) => Vec::new(),
        };
        Ok(Ok(Arc::new(Page {
            edition: key.edition,
            removals,
            first,
            frames,
        })))
    }

    /// The bytes of its frames.
    pub(crate) fn bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.len()).sum()
    }

    /// Clones the frames after `seq` and up to `last` into `batch`: at most `bytes`, but at least one frame. Returns
    /// the number of frames; 0 when the page has none of them.
    pub(crate) fn fill(&self, seq: u64, last: u64, bytes: usize, batch: &mut Batch) -> u64 {
        let Some(start) = (seq + 1).checked_sub(self.first) else {
            return 0;
        };
        let frames = self.frames.get(start as usize..).unwrap_or_default();
        ring::fill(
            frames.iter().take(last.saturating_sub(seq) as usize),
            bytes,
            batch,
        )
    }
}

fn removals(first: u64, frames: &[Frame]) -> Vec<(UserId, u64)> {
    frames
        .iter()
        .zip(first..)
        .filter_map(|(frame, seq)| Some((removed_member(frame)?, seq)))
        .collect()
}
