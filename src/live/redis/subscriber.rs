//! The connection that listens: it subscribes to the streams that are watched here, and reconnects for ever. Messages
//! are handled where they are read, so that there is no queue between Redis and the rings. After each subscription the
//! heads of its streams are compared with the log: this instance did not receive what was published before.

use super::backoff::Backoff;
use super::channels::Channels;
use super::gate::{Gate, Refused};
use super::message::{self, Message};
use super::outbox::{Outbox, Outgoing};
use super::pulse::{self, Pulse};
use crate::live::{Hub, lock};
use ::redis::aio::MultiplexedConnection;
use ::redis::{PushInfo, PushKind, RedisResult, Value};
use metrics::Counter;
use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use taskwire_protocol::StreamId;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// The most channels of one command.
const CHANNELS: usize = 512;

/// The streams that are watched here, and the changes that the connection does not know yet.
#[derive(Default)]
pub(super) struct Wanted {
    streams: Mutex<Streams>,
    wake: Notify,
}

#[derive(Default)]
struct Streams {
    all: HashSet<StreamId>,
    changed: HashSet<StreamId>,
}

impl Wanted {
    pub(super) fn join(&self, stream: StreamId) {
        let mut streams = lock(&self.streams);
        streams.all.insert(stream);
        streams.changed.insert(stream);
        drop(streams);
        self.wake.notify_one();
    }

    pub(super) fn leave(&self, stream: StreamId) {
        let mut streams = lock(&self.streams);
        streams.all.remove(&stream);
        streams.changed.insert(stream);
        drop(streams);
        self.wake.notify_one();
    }

    /// Takes up to `n` changes. Returns the streams to subscribe to and those to unsubscribe from.
    fn changes(&self, n: usize, listened: &HashSet<StreamId>) -> (Vec<StreamId>, Vec<StreamId>) {
        let mut streams = lock(&self.streams);
        let changed: Vec<StreamId> = streams.changed.iter().take(n).copied().collect();
        for stream in &changed {
            streams.changed.remove(stream);
        }
        changed
            .into_iter()
            .filter(|stream| streams.all.contains(stream) != listened.contains(stream))
            .partition(|stream| streams.all.contains(stream))
    }

    fn has_changes(&self) -> bool {
        !lock(&self.streams).changed.is_empty()
    }

    /// Marks all streams as changed, for a new connection that knows none of them.
    fn start_over(&self) {
        let mut streams = lock(&self.streams);
        let Streams { all, changed } = &mut *streams;
        changed.clone_from(all);
    }
}

/// Listens to the other instances.
pub(super) struct Subscriber {
    pub(super) hub: Arc<Hub>,
    pub(super) wanted: Arc<Wanted>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) channels: Arc<Channels>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) gate: Arc<Gate>,
}

/// Passes pushed messages to the hub, without a queue.
pub(super) struct Ear {
    hub: Arc<Hub>,
    pulse: Arc<Pulse>,
    gate: Arc<Gate>,
    gone: Notify,
    received: Counter,
}

/// Why a connection was closed.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{0}")]
    Redis(#[from] ::redis::RedisError),
    #[error("the connection was closed")]
    Closed,
    #[error("published messages do not come back")]
    Silent,
}

impl Subscriber {
    /// Listens for ever. `connect` makes a connection that passes pushed messages to an [`Ear`].
    pub(super) async fn run<C>(self, connect: impl Fn(Arc<Ear>) -> C)
    where
        C: Future<Output = RedisResult<MultiplexedConnection>>,
    {
        let mut backoff = Backoff::new();
        loop {
            let ear = self.ear();
            let lost = match connect(ear.clone()).await {
                Ok(connection) => {
                    let lost = self.listen(connection, &ear, &mut backoff).await;
                    metrics::counter!("taskwire_bus_reconnects_total").increment(1);
                    lost
                }
                Err(error) => error.into(),
            };
            tracing::debug!(error.message = %lost, "no connection that listens to Redis");
            self.pulse.end(&lost, Instant::now());
            backoff.pause().await;
        }
    }

    fn ear(&self) -> Arc<Ear> {
        Arc::new(Ear {
            hub: self.hub.clone(),
            pulse: self.pulse.clone(),
            gate: self.gate.clone(),
            gone: Notify::new(),
            received: metrics::counter!("taskwire_bus_received_total"),
        })
    }

    /// Listens until the connection is lost or silent; returns why.
    async fn listen(&self, mut connection: MultiplexedConnection, ear: &Ear, backoff: &mut Backoff) -> Lost {
        let general = [self.channels.notes(), self.channels.probes()];
        if let Err(error) = connection.subscribe(&general[..]).await {
            return error.into();
        }
        self.pulse.begin(Instant::now());
        self.wanted.start_over();
        let mut listened = HashSet::new();
        let mut probes = interval_at(Instant::now(), pulse::EVERY);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.wanted.has_changes() {
                tokio::select! {
                    biased;
                    () = ear.gone.notified() => return Lost::Closed,
                    settled = self.settle(&mut connection, &mut listened) => match settled {
                        Ok(()) => {}
                        Err(error) => return error.into(),
                    },
                }
            }
            tokio::select! {
                () = ear.gone.notified() => return Lost::Closed,
                () = self.wanted.wake.notified() => {}
                _ = probes.tick() => {
                    let now = Instant::now();
                    if self.pulse.silence(now) > pulse::SILENT {
                        return Lost::Silent;
                    }
                    if matches!(self.pulse.health(now), super::BusHealth::Up(_)) {
                        backoff.reset();
                    }
                    self.outbox.put(Outgoing::Probe(self.pulse.send(now)));
                }
            }
        }
    }

    /// Applies some of the changes to the connection's subscriptions.
    async fn settle(
        &self,
        connection: &mut MultiplexedConnection,
        listened: &mut HashSet<StreamId>,
    ) -> RedisResult<()> {
        let (join, leave) = self.wanted.changes(CHANNELS, listened);
        let names = |streams: &[StreamId]| -> Vec<String> {
            streams.iter().map(|stream| self.channels.of(*stream)).collect()
        };
        if !leave.is_empty() {
            connection.unsubscribe(names(&leave)).await?;
            for stream in &leave {
                listened.remove(stream);
            }
        }
        if !join.is_empty() {
            connection.subscribe(names(&join)).await?;
            listened.extend(&join);
            self.hub.compare_soon(join);
        }
        metrics::gauge!("taskwire_bus_streams").set(listened.len() as f64);
        if self.wanted.has_changes() {
            self.wanted.wake.notify_one(); // returns in between, as a probe may be due
        }
        Ok(())
    }
}

impl Ear {
    /// Takes a push. Called where the connection is read.
    pub(super) fn hear(&self, push: &PushInfo) {
        match push.kind {
            PushKind::Message => {
                if let [Value::BulkString(channel), Value::BulkString(payload)] = &push.data[..]
                    && let Ok(channel) = std::str::from_utf8(channel)
                {
                    self.take_in(channel, payload);
                }
            }
            PushKind::Disconnection => self.gone.notify_one(),
            _ => {}
        }
    }

    fn take_in(&self, channel: &str, payload: &[u8]) {
        let taken = match self.gate.pass(channel, payload) {
            Ok(None) => return,
            Ok(Some(passed)) => message::read(passed.kind, passed.body, passed.stream)
                .map(|message| (message, passed.stream, passed.sender))
                .ok_or(Refused::Shape),
            Err(why) => Err(why),
        };
        match taken {
            Ok((message, stream, sender)) => self.apply(message, stream, sender),
            Err(why) => {
                self.gate.dropped(why);
                if why.hides_an_instance() {
                    self.pulse.miss(Instant::now());
                }
            }
        }
    }

    fn apply(&self, message: Message, stream: Option<StreamId>, sender: u64) {
        match (message, stream) {
            (
                Message::Entries {
                    entries,
                    in_log,
                    rewrites,
                },
                Some(stream),
            ) => {
                self.received.increment((entries.len() + in_log.len()) as u64);
                if let Some(seq) = rewrites {
                    self.hub.forget_here(stream, seq.saturating_sub(1));
                }
                self.hub.receive(entries);
                for seq in in_log {
                    self.hub.receive_place(stream, seq);
                }
            }
            (Message::Forget(last), Some(stream)) => self.hub.forget_here(stream, last),
            (Message::Signal(frame), Some(stream)) => self.hub.receive_signal(stream, frame),
            (Message::Compare, None) => self.hub.compare_soon(self.hub.watched()),
            (Message::Note(note), None) => self.hub.hear(note),
            (Message::Probe(number), None) if sender == self.gate.stamp.sender => {
                self.pulse.hear(number, Instant::now());
            }
            (Message::Probe(_), None) => self.pulse.hear_other(sender, Instant::now()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::WorkspaceId;
    use uuid::Uuid;

    #[test]
    fn only_streams_whose_subscription_must_change_are_returned() {
        let stream = |n| StreamId::Workspace(WorkspaceId(Uuid::from_u128(n)));
        let wanted = Wanted::default();
        let mut listened = HashSet::from([stream(1), stream(2)]);
        wanted.join(stream(1)); // left and joined again in between
        wanted.leave(stream(2));
        wanted.join(stream(3));
        wanted.join(stream(4));
        wanted.leave(stream(4));
        assert_eq!(wanted.changes(9, &listened), (vec![stream(3)], vec![stream(2)]));
        assert!(!wanted.has_changes());
        listened.clear();
        wanted.start_over();
        let (mut join, leave) = wanted.changes(9, &listened);
        join.sort();
        assert_eq!((join, leave), (vec![stream(1), stream(3)], vec![]));
    }
}
