//! The connection that publishes: one task, which no answer to a client waits for. It sends all waiting messages in one
//! pipeline, the entries of a stream in one message. What a lost connection may not have sent is not sent again: the
//! next connection publishes only the heads of those streams.

use super::backoff::Backoff;
use super::channels::Channels;
use super::message::{MESSAGE, Stamp, Writing};
use super::outbox::{Outbox, Outgoing};
use super::pulse::Pulse;
use super::seal::Seals;
use crate::clock::Clock;
use redis::aio::MultiplexedConnection;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use taskwire_protocol::StreamId;

/// The most messages of one pipeline.
const BATCH: usize = 512;

/// Publishes the messages of the outbox.
pub(super) struct Publisher {
    pub(super) outbox: Arc<Outbox>,
    pub(super) channels: Arc<Channels>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) stamp: Stamp,
    pub(super) seals: Arc<Seals>,
    pub(super) clock: Clock,
    /// The number of the last message.
    pub(super) numbers: AtomicU64,
}

impl Publisher {
    /// Publishes for ever. `connect` makes a connection.
    pub(super) async fn run<C>(self, connect: impl Fn() -> C)
    where
        C: Future<Output = redis::RedisResult<MultiplexedConnection>>,
    {
        let mut backoff = Backoff::new();
        loop {
            self.outbox.expect();
            match connect().await {
                Ok(connection) => {
                    self.outbox.open();
                    let error = self.drain(connection, &mut backoff).await;
                    self.outbox.close();
                    self.pulse.did_not_publish(&error);
                    tracing::debug!(error.message = %error, "the connection that publishes to Redis is lost");
                }
                Err(error) => {
                    self.outbox.close();
                    tracing::debug!(error.message = %error, "no connection to publish to Redis");
                }
            }
            backoff.pause().await;
        }
    }

    /// Publishes until an error. A connection counts as working once something was published: if Redis accepts the
    /// connection but refuses PUBLISH, the pauses before a reconnect grow.
    async fn drain(&self, mut connection: MultiplexedConnection, backoff: &mut Backoff) -> redis::RedisError {
        loop {
            let mut batch = self.outbox.take(BATCH).await;
            let entries = batch
                .iter()
                .filter(|one| matches!(one, Outgoing::Entry { .. }))
                .count();
            let mut pipeline = redis::pipe();
            for (channel, message) in self.pack(&mut batch) {
                pipeline.publish(channel, message).ignore();
            }
            if let Err(error) = pipeline.query_async::<()>(&mut connection).await {
                self.outbox.lose(batch.iter());
                return error;
            }
            backoff.reset();
            metrics::counter!("taskwire_bus_published_total").increment(entries as u64);
        }
    }

    /// Packs a batch into messages, each with its channel. Entries of workspaces come before those of users, as in a
    /// group: a user who learns of a new workspace finds its entries. The order within a stream does not change.
    fn pack(&self, batch: &mut [Outgoing]) -> Vec<(String, Vec<u8>)> {
        batch.sort_by_key(|outgoing| match outgoing {
            Outgoing::Forget(..) => (0, None),
            Outgoing::Entry { stream, .. } => match stream {
                StreamId::Workspace(id) => (1, Some(id.0)),
                StreamId::User(id) => (2, Some(id.0)),
            },
            Outgoing::Compare | Outgoing::Signal(..) | Outgoing::Note(_) | Outgoing::Probe(_) => (3, None),
        });
        let mut messages = Vec::with_capacity(batch.len());
        let mut open: Option<(StreamId, Writing)> = None;
        for outgoing in &*batch {
            let fits = |(of, writing): &mut (StreamId, Writing)| {
                writing.len() < MESSAGE && matches!(outgoing, Outgoing::Entry { stream, .. } if stream == of)
            };
            if let Some((stream, writing)) = open.take_if(|open| !fits(open)) {
                messages.push(self.seal(self.channels.of(stream), writing));
            }
            let (channel, message) = match outgoing {
                Outgoing::Entry { stream, seq, frame } => {
                    let (_, writing) = open.get_or_insert_with(|| (*stream, Writing::entries(self.stamp)));
                    writing.entry(*seq, frame.as_ref());
                    continue;
                }
                Outgoing::Forget(stream, last) => {
                    (self.channels.of(*stream), Writing::forget(self.stamp, *last))
                }
                Outgoing::Compare => (self.channels.notes(), Writing::compare(self.stamp)),
                Outgoing::Signal(stream, frame) => {
                    (self.channels.of(*stream), Writing::signal(self.stamp, frame))
                }
                Outgoing::Note(note) => (self.channels.notes(), Writing::note(self.stamp, note)),
                Outgoing::Probe(number) => (self.channels.probes(), Writing::probe(self.stamp, *number)),
            };
            messages.push(self.seal(channel, message));
        }
        messages.extend(open.map(|(stream, writing)| self.seal(self.channels.of(stream), writing)));
        messages
    }

    /// Completes a message: it can be read on this channel only, and counts once.
    fn seal(&self, channel: String, writing: Writing) -> (String, Vec<u8>) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let message = writing.finish(&self.seals, &channel, number, self.clock.now_ms());
        (channel, message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gate::Gate;
    use super::super::message::tests::seals;
    use super::super::message::{Message, read};
    use super::*;
    use crate::live::Published;
    use futures_util::FutureExt;
    use redis::{AsyncConnectionConfig, RedisConnectionInfo};
    use std::time::Duration;
    use taskwire_protocol::{UserId, WorkspaceId};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use uuid::Uuid;

    fn publisher() -> Publisher {
        Publisher {
            outbox: Arc::default(),
            channels: Arc::new(Channels::new("test")),
            pulse: Arc::new(Pulse::new()),
            stamp: Stamp::new(1, "epoch"),
            seals: Arc::new(seals("secret")),
            clock: Clock::system(),
            numbers: AtomicU64::new(0),
        }
    }

    fn workspace(n: u128) -> StreamId {
        StreamId::Workspace(WorkspaceId(Uuid::from_u128(n)))
    }

    /// The messages that another instance reads, each with its stream.
    fn read_all(publisher: &Publisher, batch: &mut [Outgoing]) -> Vec<(Option<StreamId>, Message)> {
        let gate = Gate::new(
            Stamp::new(2, "epoch"),
            publisher.channels.clone(),
            publisher.seals.clone(),
            publisher.clock.clone(),
        );
        let messages = publisher.pack(batch).into_iter().map(|(channel, bytes)| {
            let passed = gate
                .pass(&channel, &bytes)
                .expect("no refusal")
                .expect("of another");
            let message = read(passed.kind, passed.body, passed.stream);
            (passed.stream, message.expect("a message"))
        });
        messages.collect()
    }

    #[test]
    fn the_entries_of_a_stream_travel_together_and_in_order() {
        let (user, workspace) = (StreamId::User(UserId(Uuid::from_u128(1))), workspace(2));
        let entry = |stream, seq| Outgoing::Entry {
            stream,
            seq,
            frame: Some("{}".into()),
        };
        let mut batch = vec![
            entry(user, 8),
            entry(workspace, 3),
            entry(user, 9),
            entry(workspace, 4),
        ];
        let messages = read_all(&publisher(), &mut batch).into_iter();
        let read: Vec<(Option<StreamId>, Vec<u64>)> = messages
            .map(|(stream, message)| {
                let Message::Entries { entries, .. } = message else {
                    panic!("{message:?}")
                };
                (stream, entries.iter().map(|entry| entry.seq).collect())
            })
            .collect();
        assert_eq!(read, [(Some(workspace), vec![3, 4]), (Some(user), vec![8, 9])]);
    }

    fn committed(stream: StreamId, seq: u64) -> Published {
        Published {
            stream,
            seq,
            frame: "{}".into(),
            removed: None,
        }
    }

    /// The streams and heads that are published without frames.
    async fn places(publisher: &Publisher) -> Vec<(StreamId, u64)> {
        let mut batch = publisher.outbox.take(BATCH).await;
        let messages = read_all(publisher, &mut batch).into_iter();
        messages
            .map(|(stream, message)| match message {
                Message::Entries { entries, in_log, .. } if entries.is_empty() && in_log.len() == 1 => {
                    (stream.expect("a stream"), in_log[0])
                }
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[tokio::test]
    async fn the_positions_of_commits_without_a_connection_are_published_by_the_next_one() {
        let publisher = publisher();
        let outbox = &publisher.outbox;
        outbox.put_group(&[committed(workspace(1), 4), committed(workspace(2), 9)]);
        outbox.put_group(&[committed(workspace(1), 5)]);
        outbox.open();
        assert!(outbox.is_busy());
        assert_eq!(places(&publisher).await, [(workspace(1), 5), (workspace(2), 9)]);
        // taken, and lost with the connection
        outbox.put_group(&[committed(workspace(1), 6)]);
        let lost = outbox.take(BATCH).await;
        outbox.lose(lost.iter());
        outbox.put_group(&[committed(workspace(3), 1)]);
        outbox.close();
        assert!(!outbox.is_busy());
        outbox.open();
        assert_eq!(places(&publisher).await, [(workspace(1), 6), (workspace(3), 1)]);
        assert!(outbox.take(BATCH).now_or_never().is_none(), "published once only");
    }

    #[tokio::test]
    async fn a_stop_waits_for_the_first_connection_but_not_for_a_redis_that_is_down() {
        let Publisher { outbox, .. } = &publisher();
        let waiting = |connect: fn() -> futures_util::future::BoxFuture<'static, _>| {
            let publisher = Publisher {
                outbox: outbox.clone(),
                ..publisher()
            };
            // polled once: it runs as far as it can without waiting
            let _ = publisher.run(connect).now_or_never();
            outbox.is_busy()
        };
        outbox.put_group(&[committed(workspace(1), 4)]);
        assert!(waiting(|| Box::pin(std::future::pending())));
        assert!(!waiting(|| {
            let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            Box::pin(std::future::ready(Err(refused.into())))
        }));
    }

    #[tokio::test]
    async fn after_too_many_dropped_streams_the_others_compare_all() {
        let publisher = publisher();
        for n in 0..5000 {
            publisher.outbox.put_group(&[committed(workspace(n), 1)]);
        }
        publisher.outbox.open();
        let mut batch = publisher.outbox.take(BATCH).await;
        let messages = read_all(&publisher, &mut batch);
        assert!(
            matches!(&messages[..], [(None, Message::Compare)]),
            "{messages:?}"
        );
    }

    /// A connection to a Redis that accepts everybody, gives these answers to PUBLISH, and then closes.
    async fn connect(answers: &'static [&'static str]) -> MultiplexedConnection {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let (read, mut write) = tokio::io::split(theirs);
            let (mut lines, mut answers) = (BufReader::new(read).lines(), answers.iter());
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match &*line {
                    "PUBLISH" => answers.next(),
                    "CLIENT" => Some(&"+OK\r\n"),
                    _ => continue,
                };
                let Some(answer) = answer else { return };
                write.write_all(answer.as_bytes()).await.expect("a peer");
            }
        });
        let (info, config) = (RedisConnectionInfo::default(), AsyncConnectionConfig::new());
        let connection = MultiplexedConnection::new_with_config(&info, ours, config).await;
        let (connection, driving) = connection.expect("a connection");
        tokio::spawn(driving);
        connection
    }

    /// The bound of the next pause after a connection with these answers was used. The bound was `LONG` before.
    async fn pause_after(answers: &'static [&'static str]) -> Duration {
        let publisher = publisher();
        publisher.outbox.open();
        let mut backoff = Backoff { bound: LONG };
        let feeding = async {
            loop {
                publisher.outbox.put_group(&[committed(workspace(1), 1)]);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = publisher.drain(connect(answers).await, &mut backoff) => {}
            () = feeding => {}
        }
        backoff.bound
    }

    const LONG: Duration = Duration::from_secs(2);

    #[tokio::test]
    async fn the_next_pause_is_short_only_if_the_connection_published_something() {
        assert_eq!(pause_after(&["-NOPERM no permissions\r\n"]).await, LONG);
        assert!(pause_after(&[":1\r\n"]).await < LONG);
    }

    #[tokio::test]
    async fn a_purge_that_was_dropped_is_published_later() {
        let publisher = publisher();
        publisher.outbox.put(Outgoing::Forget(workspace(1), 7));
        publisher.outbox.open();
        let mut batch = publisher.outbox.take(BATCH).await;
        let messages = read_all(&publisher, &mut batch);
        assert!(
            matches!(&messages[..], [(Some(_), Message::Forget(7))]),
            "{messages:?}"
        );
    }
}
