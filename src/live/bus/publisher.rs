//! The connection that publishes: one task, off the way of every answer. What waits goes out in one pipeline, the
//! entries of a stream in one message. What a lost connection took along is not sent again: comparing heads finds it.

use super::backoff::Backoff;
use super::message::{MESSAGE, Stamp, Writing};
use super::outbox::{Outbox, Outgoing, count_dropped};
use super::redis::Channels;
use redis::aio::MultiplexedConnection;
use std::future::Future;
use std::sync::Arc;
use taskwire_protocol::StreamId;

/// What goes into one pipeline.
const BATCH: usize = 512;

/// Publishes what is put into the outbox.
pub(super) struct Publisher {
    pub(super) outbox: Arc<Outbox>,
    pub(super) channels: Arc<Channels>,
    pub(super) stamp: Stamp,
}

impl Publisher {
    /// For ever; `connect` makes a connection.
    pub(super) async fn run<C>(self, connect: impl Fn() -> C)
    where
        C: Future<Output = redis::RedisResult<MultiplexedConnection>>,
    {
        let mut backoff = Backoff::new();
        loop {
            match connect().await {
                Ok(connection) => {
                    backoff.reset();
                    self.outbox.open();
                    let error = self.drain(connection).await;
                    self.outbox.close();
                    tracing::warn!(error.message = %error, "the connection that publishes to Redis is lost");
                }
                Err(error) => tracing::debug!(error.message = %error, "no connection to publish to Redis"),
            }
            backoff.pause().await;
        }
    }

    /// Publishes until it fails.
    async fn drain(&self, mut connection: MultiplexedConnection) -> redis::RedisError {
        loop {
            let batch = self.outbox.take(BATCH).await;
            let entries = batch
                .iter()
                .filter(|one| matches!(one, Outgoing::Entry { .. }))
                .count();
            let mut pipeline = redis::pipe();
            for (channel, message) in self.pack(batch) {
                pipeline.publish(channel, message).ignore();
            }
            if let Err(error) = pipeline.query_async::<()>(&mut connection).await {
                count_dropped(entries as u64);
                return error;
            }
            metrics::counter!("taskwire_bus_published_total").increment(entries as u64);
        }
    }

    /// Messages, each with its channel. Those of workspaces come first, as in a group: who learns of an access finds
    /// there what it gives access to. The order within a stream stays.
    fn pack(&self, mut batch: Vec<Outgoing>) -> Vec<(String, Vec<u8>)> {
        batch.sort_by_key(|outgoing| match outgoing {
            Outgoing::Forget(..) => (0, None),
            Outgoing::Entry { stream, .. } => match stream {
                StreamId::Workspace(id) => (1, Some(id.0)),
                StreamId::User(id) => (2, Some(id.0)),
            },
            Outgoing::Signal(..) | Outgoing::Note(_) | Outgoing::Probe(_) => (3, None),
        });
        let mut messages = Vec::with_capacity(batch.len());
        let mut open: Option<(StreamId, Writing)> = None;
        for outgoing in batch {
            let fits = |(of, writing): &mut (StreamId, Writing)| {
                writing.len() < MESSAGE && matches!(&outgoing, Outgoing::Entry { stream, .. } if stream == of)
            };
            if let Some((stream, writing)) = open.take_if(|open| !fits(open)) {
                messages.push((self.channels.of(stream), writing.finish()));
            }
            let (channel, message) = match outgoing {
                Outgoing::Entry { stream, seq, frame } => {
                    let (_, writing) = open.get_or_insert_with(|| (stream, Writing::entries(self.stamp)));
                    writing.entry(seq, frame.as_ref());
                    continue;
                }
                Outgoing::Forget(stream, last) => {
                    (self.channels.of(stream), Writing::forget(self.stamp, last))
                }
                Outgoing::Signal(stream, frame) => {
                    (self.channels.of(stream), Writing::signal(self.stamp, &frame))
                }
                Outgoing::Note(note) => (self.channels.notes(), Writing::note(self.stamp, &note)),
                Outgoing::Probe(number) => (self.channels.probe(), Writing::probe(self.stamp, number)),
            };
            messages.push((channel, message.finish()));
        }
        messages.extend(open.map(|(stream, writing)| (self.channels.of(stream), writing.finish())));
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{Message, read};
    use super::*;
    use taskwire_protocol::{UserId, WorkspaceId};
    use uuid::Uuid;

    #[test]
    fn the_entries_of_a_stream_travel_together_and_in_order() {
        let stamp = Stamp::new(1, "epoch");
        let channels = Arc::new(Channels::new("test", 1));
        let publisher = Publisher {
            outbox: Arc::default(),
            channels: channels.clone(),
            stamp,
        };
        let (user, workspace) = (
            StreamId::User(UserId(Uuid::from_u128(1))),
            StreamId::Workspace(WorkspaceId(Uuid::from_u128(2))),
        );
        let entry = |stream, seq| Outgoing::Entry {
            stream,
            seq,
            frame: Some("{}".into()),
        };
        let batch = vec![
            entry(user, 8),
            entry(workspace, 3),
            entry(user, 9),
            entry(workspace, 4),
        ];
        let messages = publisher.pack(batch);
        let read: Vec<(StreamId, Vec<u64>)> = messages
            .iter()
            .map(|(channel, bytes)| {
                let stream = channels.stream(channel).expect("a stream");
                let Some(Message::Entries { entries, .. }) =
                    read(bytes, Some(stream), Stamp::new(2, "epoch"))
                else {
                    panic!("no entries")
                };
                (stream, entries.iter().map(|entry| entry.seq).collect())
            })
            .collect();
        assert_eq!(read, [(workspace, vec![3, 4]), (user, vec![8, 9])]);
    }
}
