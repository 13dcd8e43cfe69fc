//! Compares heads with the log. Only this finds commits of other instances whose messages did not arrive here. One
//! query covers many streams: those in use every 2 s, the others within 30 s. While the bus does not work, all of them every
//! 2 s, and those of users, which tell of sessions that ended, every 0.6 s. Of the bus it knows only whether it works.

use super::{Hub, LogUnavailable, lock};
use std::{collections::HashMap, sync::Arc, time::Duration};
use taskwire_protocol::StreamId;
use tokio::time::Instant;

/// The time between two comparisons of the streams in use, and of all streams while another instance is not heard.
const EVERY: Duration = Duration::from_secs(2);
/// The time between two comparisons of users' streams while another instance is not heard: a session that ended there
/// must end here within a second.
const USERS: Duration = Duration::from_millis(600);
/// The time between two checks whether the other instances are still heard.
const LOOK: Duration = Duration::from_millis(200);
/// A stream whose head moved within this time is in use.
const IN_USE: Duration = Duration::from_mins(1);
/// The other streams are compared in this many turns, one each [`EVERY`]: each stream within 30 s.
const TURNS: u128 = 15;
/// The most streams of one query.
const QUERY: usize = 1024;

/// Decides which streams are compared when.
#[derive(Default)]
pub(crate) struct Plan {
    /// The last known head of each stream, and when it was first seen at that value.
    seen: HashMap<StreamId, (u64, Instant)>,
    last: Option<Instant>,
    /// When users' streams were compared for the last time.
    users: Option<Instant>,
    turn: u128,
    /// The other instances were heard in the last round.
    heard: bool,
}

impl Hub {
    /// Compares heads, for ever. Run it in one task for each hub whose database has other writers.
    pub async fn keep_comparing(self: Arc<Hub>) {
        let mut plan = Plan::default();
        loop {
            // a timeout is not an error: it is the end of the pause
            let _ = tokio::time::timeout(LOOK, self.asked.notified()).await;
            let mut due = std::mem::take(&mut *lock(&self.ask));
            due.extend(plan.due(&self, Instant::now()));
            let due: Vec<StreamId> = due.into_iter().filter(|one| self.topic(*one).is_some()).collect();
            for (n, streams) in due.chunks(QUERY).enumerate() {
                if self.compare(streams.to_vec()).await.is_err() {
                    // try these and the rest again next time: a database that is down gets one query at a time
                    lock(&self.ask).extend(&due[n * QUERY..]);
                    break;
                }
            }
        }
    }

    /// Compares these streams soon: messages about commits to them may have been lost.
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

    /// The log's head of a stream is `head`. A frame up to it that does not arrive within 30 ms is read from the log.
    /// Does nothing for a stream without watchers.
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
            return self.due_users(hub, heard, now);
        }
        (self.last, self.users) = (Some(now), Some(now));
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

    /// The streams of users that are to be compared between two rounds.
    fn due_users(&mut self, hub: &Hub, heard: bool, now: Instant) -> Vec<StreamId> {
        if heard || self.users.is_some_and(|last| now - last < USERS) {
            return Vec::new();
        }
        self.users = Some(now);
        let all = hub.heads().into_iter().map(|(stream, _)| stream);
        all.filter(|stream| matches!(stream, StreamId::User(_))).collect()
    }
}
