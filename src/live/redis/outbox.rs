//! The queue of what must be published: bounded, and filled without waiting. When it is full, or there is no
//! connection, messages are dropped and counted. The heads of their streams are remembered and published later, so that
//! the other instances read the rest from the log.

use super::message::FRAME;
use crate::live::{Frame, Published, lock};
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use taskwire_protocol::StreamId;
use tokio::sync::Notify;

/// How many bytes may wait. Frames that a ring also has share its memory.
const BYTES: usize = 16 * 1024 * 1024;
/// Bytes that an entry takes in addition to its frame.
const OVERHEAD: usize = 64;
/// How many streams are remembered. When more were dropped, the other instances are asked to compare all of theirs.
const MISSED: usize = 1024;

/// A message to publish.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A committed entry. `frame` is `None` when it is too large to send, or was dropped.
    Entry {
        stream: StreamId,
        seq: u64,
        frame: Option<Frame>,
    },
    /// The log was rewritten up to this seq.
    Forget(StreamId, u64),
    /// More streams were dropped than are remembered: the others must compare all of theirs.
    Compare,
    Signal(StreamId, Frame),
    /// An encoded note.
    Note(Vec<u8>),
    Probe(u64),
}

impl Outgoing {
    fn cost(&self) -> usize {
        let frame = match self {
            Outgoing::Entry { frame, .. } => frame.as_ref().map_or(0, |frame| frame.len()),
            Outgoing::Signal(_, frame) => frame.len(),
            Outgoing::Note(note) => note.len(),
            Outgoing::Forget(..) | Outgoing::Compare | Outgoing::Probe(_) => 0,
        };
        frame + OVERHEAD
    }

    /// What the metric of dropped messages counts for it: 0 for a probe, 1 for anything else.
    fn counts(&self) -> u64 {
        u64::from(!matches!(self, Outgoing::Probe(_)))
    }

    /// It is dropped when more bytes than this would wait. Smaller for signals and notes, so that they are dropped
    /// first.
    fn room(&self) -> usize {
        match self {
            Outgoing::Signal(..) | Outgoing::Note(_) => BYTES / 4,
            _ => BYTES,
        }
    }
}

/// The queue of the publisher.
#[derive(Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    /// A batch was taken and is not published yet.
    publishing: AtomicBool,
    wake: Notify,
}

/// The state of the connection that publishes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Link {
    /// The publisher is connecting.
    #[default]
    Coming,
    /// It works.
    Open,
    /// The attempt failed, or the connection was lost; the publisher tries again after a pause.
    Away,
}

#[derive(Default)]
struct Queue {
    link: Link,
    waiting: VecDeque<Outgoing>,
    bytes: usize,
    missed: Missed,
}

impl Queue {
    /// Takes up to `n` waiting messages. With the last one, also takes what was missed before.
    fn take(&mut self, n: usize) -> Vec<Outgoing> {
        let n = n.min(self.waiting.len());
        let mut taken: Vec<Outgoing> = self.waiting.drain(..n).collect();
        self.bytes -= taken.iter().map(Outgoing::cost).sum::<usize>();
        if self.waiting.is_empty() {
            self.missed.say(&mut taken);
        }
        taken
    }

    /// Whether there is something to publish, and a connection for it now or soon.
    fn is_busy(&self) -> bool {
        !self.waiting.is_empty() || self.link != Link::Away && !self.missed.is_empty()
    }
}

/// What was dropped and must still be announced to the others.
#[derive(Default)]
struct Missed {
    /// By stream: the newest entry, and the last seq that was rewritten. 0 means none.
    streams: HashMap<StreamId, (u64, u64)>,
    /// More than [`MISSED`] streams were dropped.
    all: bool,
}

impl Missed {
    fn add(&mut self, dropped: &Outgoing) {
        let (stream, newest, rewritten) = match dropped {
            Outgoing::Entry { stream, seq, .. } => (*stream, *seq, 0),
            Outgoing::Forget(stream, last) => (*stream, 0, *last),
            Outgoing::Compare => return self.give_up(),
            Outgoing::Signal(..) | Outgoing::Note(_) | Outgoing::Probe(_) => return,
        };
        if self.all {
            return;
        }
        if self.streams.len() == MISSED && !self.streams.contains_key(&stream) {
            return self.give_up();
        }
        let known = self.streams.entry(stream).or_default();
        *known = (known.0.max(newest), known.1.max(rewritten));
    }

    fn give_up(&mut self) {
        self.streams = HashMap::new();
        self.all = true;
    }

    /// Moves what was dropped into the batch.
    fn say(&mut self, said: &mut Vec<Outgoing>) {
        if self.is_empty() {
            return;
        }
        let Missed { streams, all } = std::mem::take(self);
        for (stream, (newest, rewritten)) in streams {
            if rewritten > 0 {
                said.push(Outgoing::Forget(stream, rewritten));
            }
            if newest > 0 {
                let (seq, frame) = (newest, None);
                said.push(Outgoing::Entry { stream, seq, frame });
            }
        }
        said.extend(all.then_some(Outgoing::Compare));
    }

    fn is_empty(&self) -> bool {
        !self.all && self.streams.is_empty()
    }
}

impl Outbox {
    /// Adds a committed group.
    pub(super) fn put_group(&self, group: &[Published]) {
        let entries = group.iter().map(|entry| Outgoing::Entry {
            stream: entry.stream,
            seq: entry.seq,
            frame: (entry.frame.len() <= FRAME).then(|| entry.frame.clone()),
        });
        self.put_all(entries);
    }

    pub(super) fn put(&self, outgoing: Outgoing) {
        self.put_all([outgoing]);
    }

    fn put_all(&self, all: impl IntoIterator<Item = Outgoing>) {
        let mut dropped = 0;
        {
            let queue = &mut *lock(&self.queue);
            for outgoing in all {
                let cost = outgoing.cost();
                if queue.link == Link::Open && queue.bytes + cost <= outgoing.room() {
                    queue.bytes += cost;
                    queue.waiting.push_back(outgoing);
                } else {
                    dropped += outgoing.counts();
                    queue.missed.add(&outgoing);
                }
            }
        }
        count_dropped(dropped);
        self.wake.notify_one();
    }

    /// The publisher is connecting: what was missed may be published soon.
    pub(super) fn expect(&self) {
        lock(&self.queue).link = Link::Coming;
    }

    /// There is a connection: from now on messages wait for it.
    pub(super) fn open(&self) {
        lock(&self.queue).link = Link::Open;
    }

    /// There is no connection, or it was lost: drops what waits.
    pub(super) fn close(&self) {
        let waited = {
            let mut queue = lock(&self.queue);
            queue.link = Link::Away;
            queue.bytes = 0;
            std::mem::take(&mut queue.waiting)
        };
        self.lose(waited.iter());
        self.publishing.store(false, Ordering::Release);
    }

    /// Remembers the streams of these messages, which may not have been published.
    pub(super) fn lose<'a>(&self, lost: impl Iterator<Item = &'a Outgoing>) {
        let (mut queue, mut dropped) = (lock(&self.queue), 0);
        for outgoing in lost {
            dropped += outgoing.counts();
            queue.missed.add(outgoing);
        }
        drop(queue);
        count_dropped(dropped);
    }

    /// Waits until there is something to publish, and takes up to `n` messages.
    pub(super) async fn take(&self, n: usize) -> Vec<Outgoing> {
        loop {
            {
                let mut queue = lock(&self.queue);
                let taken = queue.take(n);
                self.publishing.store(!taken.is_empty(), Ordering::Release);
                if !taken.is_empty() {
                    return taken;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Whether something waits to be published, or is being published.
    pub(super) fn is_busy(&self) -> bool {
        let waits = lock(&self.queue).is_busy();
        waits || self.publishing.load(Ordering::Acquire)
    }
}

fn count_dropped(n: u64) {
    if n > 0 {
        metrics::counter!("taskwire_bus_dropped_total").increment(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::WorkspaceId;
    use uuid::Uuid;

    fn entry(bytes: usize) -> Published {
        Published {
            stream: StreamId::Workspace(WorkspaceId(Uuid::nil())),
            seq: 1,
            frame: "x".repeat(bytes).into(),
            removed: None,
        }
    }

    #[tokio::test]
    async fn a_full_outbox_drops_messages_and_signals_first() {
        let outbox = Outbox::default();
        outbox.open();
        let signal = || Outgoing::Signal(entry(0).stream, "x".into());
        for _ in 0..BYTES / 4 / FRAME {
            outbox.put_group(&[entry(FRAME)]);
        }
        outbox.put(signal());
        for _ in 0..BYTES / FRAME {
            outbox.put_group(&[entry(FRAME)]);
        }
        let taken = outbox.take(usize::MAX).await;
        assert!(taken.len() < BYTES / FRAME && taken.len() > BYTES / FRAME / 2);
        assert!(taken.iter().all(|one| matches!(one, Outgoing::Entry { .. })));
        outbox.put(signal());
        assert_eq!(outbox.take(9).await.len(), 1);
    }

    #[tokio::test]
    async fn of_a_large_frame_only_the_position_is_sent() {
        let outbox = Outbox::default();
        outbox.open();
        outbox.put_group(&[entry(FRAME + 1)]);
        let taken = outbox.take(9).await;
        assert!(matches!(&taken[..], [Outgoing::Entry { frame: None, .. }]));
    }

    #[test]
    fn nothing_waits_while_there_is_no_connection() {
        let outbox = Outbox::default();
        outbox.close();
        outbox.put_group(&[entry(1)]);
        assert!(!outbox.is_busy());
        outbox.open();
        outbox.put_group(&[entry(1)]);
        assert!(outbox.is_busy());
        outbox.close();
        assert!(!outbox.is_busy());
    }

    #[test]
    fn what_was_missed_waits_while_the_publisher_connects() {
        let outbox = Outbox::default();
        assert!(!outbox.is_busy(), "nothing was missed");
        outbox.put_group(&[entry(1)]);
        assert!(outbox.is_busy());
        outbox.close();
        assert!(!outbox.is_busy());
        outbox.expect();
        assert!(outbox.is_busy());
    }
}
