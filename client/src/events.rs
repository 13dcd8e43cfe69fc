//! The queue of items to the program: events, signals and changes of the connection, in order. The queue is bounded:
//! while it is full, the client stops reading from the socket.

use crate::{
    error::{Disconnected, Stopped},
    state::Lifeline,
};
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use taskwire_protocol::{
    Event, StreamId,
    account::Resume,
    events::{self, EventType},
    frames::{EventFrame, Welcome},
    stream::Reason,
    workspace::AccessLost,
};
use tokio::sync::mpsc;

/// An event or a signal from the server, or a change of the connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// A durable event: the next one of its stream.
    Event(EventFrame),
    /// A signal: it concerns this moment only and is in no log.
    Signal {
        /// The signal's name.
        signal: String,
        /// The signal's payload.
        data: Box<RawValue>,
    },
    /// The events that follow do not continue the program's state of this stream: sync the stream. This item also
    /// announces a stream that is new to this client (`new`), or that cannot be followed (`no_access`, `limit`).
    Resync {
        /// The stream.
        stream: StreamId,
        /// Why the events do not continue it.
        reason: Reason,
    },
    /// The server welcomed the client. The `Resync` items follow, and then events.
    Connected(Arc<Welcome>),
    /// The connection was lost, or an attempt to connect failed.
    Disconnected {
        /// Why there is no connection.
        reason: Disconnected,
        /// The wait before the next attempt.
        retry_in: Duration,
    },
    /// The client has stopped for good. This is the last item.
    Stopped(Stopped),
}

impl Item {
    /// The event with its payload as a type; `None` for any other item.
    ///
    /// # Errors
    /// When the payload does not follow the contract.
    pub fn event(&self) -> Option<serde_json::Result<Event>> {
        match self {
            Item::Event(frame) => Some(Event::read(&frame.event, &frame.data)),
            _ => None,
        }
    }
}

/// The items, in order. When `Events` is dropped, the client continues with answers to calls only.
///
/// Take the items continuously: when [`Config::event_buffer`](crate::Config::event_buffer) items wait, the client stops
/// reading from the socket, so answers to calls wait too. Do not await a call between two items. Await it in another
/// task, or await both at once.
pub struct Events {
    items: mpsc::Receiver<Item>,
    epoch: String,
    positions: BTreeMap<StreamId, u64>,
    _lifeline: Arc<Lifeline>,
}

impl Events {
    pub(crate) fn new(
        items: mpsc::Receiver<Item>,
        lifeline: Arc<Lifeline>,
        resume: Option<&Resume>,
    ) -> Events {
        let positions = resume.iter().flat_map(|resume| &resume.positions);
        Events {
            items,
            epoch: resume.map(|resume| resume.epoch.clone()).unwrap_or_default(),
            positions: positions
                .filter_map(|(stream, seq)| Some((stream.parse().ok()?, *seq)))
                .collect(),
            _lifeline: lifeline,
        }
    }

    /// The next item; `None` after [`Item::Stopped`]. Safe to cancel.
    pub async fn next(&mut self) -> Option<Item> {
        std::future::poll_fn(|cx| self.poll_item(cx)).await
    }

    /// The next item, if one has arrived.
    pub fn try_next(&mut self) -> Option<Item> {
        let item = self.items.try_recv().ok()?;
        self.record(&item);
        Some(item)
    }

    /// The positions after the items that the program took. Keep them, and
    /// [`Config::resuming`](crate::Config::resuming) continues from there in the next process. A stream whose `Resync`
    /// was taken counts as synced: keep its position only after the program has synced it.
    pub fn positions(&self) -> Resume {
        let positions = self.positions.iter();
        Resume {
            epoch: self.epoch.clone(),
            positions: positions
                .map(|(stream, seq)| (stream.to_string(), *seq))
                .collect(),
        }
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let item = std::task::ready!(self.items.poll_recv(cx));
        if let Some(item) = &item {
            self.record(item);
        }
        Poll::Ready(item)
    }

    fn record(&mut self, item: &Item) {
        match item {
            Item::Event(frame) => {
                self.positions.insert(frame.stream, frame.seq);
                if frame.event == events::AccessLost::NAME
                    && let Ok(lost) = serde_json::from_str::<AccessLost>(frame.data.get())
                {
                    self.positions.remove(&lost.workspace_id.into());
                }
            }
            Item::Connected(welcome) => self.record_welcome(welcome),
            _ => {}
        }
    }

    fn record_welcome(&mut self, welcome: &Welcome) {
        if self.epoch != welcome.epoch {
            self.positions.clear();
            self.epoch.clone_from(&welcome.epoch);
        }
        // The user can no longer read a stream that is not listed.
        let listed: Vec<&str> = welcome.streams.iter().map(|state| &*state.stream).collect();
        self.positions
            .retain(|stream, _| listed.contains(&stream.to_string().as_str()));
        for state in &welcome.streams {
            let Ok(stream) = state.stream.parse() else {
                continue;
            };
            match state.reason {
                Some(Reason::NoAccess | Reason::Limit) => {
                    self.positions.remove(&stream);
                }
                _ if !state.resumed => {
                    self.positions.insert(stream, state.seq);
                }
                _ => {}
            }
        }
    }
}

impl futures_util::Stream for Events {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        self.poll_item(cx)
    }
}
