//! Compares heads with the log: the one repair for commits of other instances that were not heard of here. One query
//! covers many streams: often those in use, now and then the others, and all of them while the bus does not work. Does
//! not know the bus.

use super::{Hub, LogUnavailable, lock};
use std::{collections::HashMap, sync::Arc, time::Duration};
use taskwire_protocol::StreamId;
use tokio::time::Instant;

/// Between two comparisons of the streams in use; of all streams while some other instance is not heard.
const EVERY: Duration = Duration::from_secs(2);
/// How soon it is noticed that another instance is no longer heard.
const LOOK: Duration = Duration::from_millis(200);
/// A stream whose head moved within this time is in use.
const IN_USE: Duration = Duration::from_mins(1);
/// The other streams are compared in this many turns, one each [`EVERY`]: each stream within 30 s.
const TURNS: u128 = 15;
/// Streams of one query.
const QUERY: usize = 1024;

/// Which streams are to be compared when.
#[derive(Default)]
pub(crate) struct Plan {
    /// The heads as they were last seen, and when each was first seen there.
    seen: HashMap<StreamId, (u64, Instant)>,
    last: Option<Instant>,
    turn: u128,
    /// The other instances were heard in the last round.
    heard: bool,
}

impl Hub {
    /// Compares heads, for ever. One task for a hub whose database has other writers.
    pub async fn keep_comparing(self: Arc<Hub>) {
        let mut plan = Plan::default();
        loop {
            // running into the end of the pause is no error: it is what was waited for
            let _ = tokio::time::timeout(LOOK, self.asked.notified()).await;
            let mut due = std::mem::take(&mut *lock(&self.ask));
            due.extend(plan.due(&self, Instant::now()));
            let due: Vec<StreamId> = due.into_iter().filter(|one| self.topic(*one).is_some()).collect();
            for (n, streams) in due.chunks(QUERY).enumerate() {
                if self.compare(streams.to_vec()).await.is_err() {
                    // these and the rest again next time: a database that is away gets one query at a time
                    lock(&self.ask).extend(&due[n * QUERY..]);
                    break;
                }
            }
        }
    }

    /// Commits to these streams may not have been heard of here.
    pub fn compare_soon(&self, streams: Vec<StreamId>) {
        lock(&self.ask).extend(streams);
        self.asked.notify_one();
    }

    async fn compare(&self, streams: Vec<StreamId>) -> Result<(), LogUnavailable> {
        self.meters.compared.increment(streams.len() as u64);
        for (stream, head) in self.log.heads(streams).await? {
            self.hear_of(stream, head);
        }
        Ok(())
    }

    /// The log's head of a stream is `head`. A frame up to there that does not come within 30 ms is read from the log.
    /// Does nothing when nobody watches the stream.
    pub(crate) fn hear_of(&self, stream: StreamId, head: u64) {
        if let Some(topic) = self.topic(stream) {
            let news = topic.hear_of(head);
            self.attend(&topic, news);
        }
    }
}

impl Plan {
    /// The streams that are to be compared now.
    pub(crate) fn due(&mut self, hub: &Hub, now: Instant) -> Vec<StreamId> {
        let heard = hub.hears_others();
        let lost = std::mem::replace(&mut self.heard, heard) && !heard;
        if !lost && self.last.is_some_and(|last| now - last < EVERY) {
            return Vec::new();
        }
        self.last = Some(now);
        self.turn = (self.turn + 1) % TURNS;
        let seen = std::mem::take(&mut self.seen);
        let mut due = Vec::new();
        for (stream, head) in hub.heads() {
            let moved = match seen.get(&stream) {
                Some((before, at)) if *before == head => *at,
                _ => now,
            };
            self.seen.insert(stream, (head, moved));
            let turn = stream.uuid().as_u128() % TURNS == self.turn;
            if !heard || now - moved < IN_USE || turn {
                due.push(stream);
            }
        }
        due
    }
}
