//! What comes by itself: events, signals and the connection's fate, in the order in which they happened.
//! A bounded queue: when the program does not take its items, the client stops reading from the socket.

use crate::{client::Lifeline, error::Disconnected, error::Stopped};
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

/// Something that came by itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// A durable event: the next one of its stream.
    Event(EventFrame),
    /// Something to know now; ephemeral.
    Signal {
        /// Which.
        signal: String,
        /// More about it.
        data: Box<RawValue>,
    },
    /// What is held of this stream is not continued by the events that follow: sync it. Also for a stream that
    /// was not held before (`new`), and for one that cannot be followed (`no_access`, `limit`).
    Resync {
        /// The stream.
        stream: StreamId,
        /// Why.
        reason: Reason,
    },
    /// A connection stands; first the `Resync` items, then events follow.
    Connected(Arc<Welcome>),
    /// The connection is gone, or a try to make one failed.
    Disconnected {
        /// Why.
        reason: Disconnected,
        /// When the next try begins.
        retry_in: Duration,
    },
    /// The client has stopped for good: the last item.
    Stopped(Stopped),
}

impl Item {
    /// The event, with its payload read.
    ///
    /// # Errors
    /// When the payload is not what the contract says.
    pub fn event(&self) -> Option<serde_json::Result<Event>> {
        match self {
            Item::Event(frame) => Some(Event::read(&frame.event, &frame.data)),
            _ => None,
        }
    }
}

/// What comes by itself, in order. Dropping it lets the client pass over everything that is not an answer.
///
/// Take the items all the time: when as many as `Config::event_buffer` wait, the client stops reading from the
/// socket, and answers to calls wait behind them. So do not wait for a call where the items are taken; wait in
/// another task, or for both at once.
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

    /// The next item if there is one already.
    pub fn try_next(&mut self) -> Option<Item> {
        let item = self.items.try_recv().ok()?;
        self.pass(&item);
        Some(item)
    }

    /// Where the program stands after the items it took: keep it, and [`crate::Config::resuming`] goes on there.
    /// A stream whose `Resync` was taken counts as synced; keep its position only once that is true.
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
            self.pass(item);
        }
        Poll::Ready(item)
    }

    fn pass(&mut self, item: &Item) {
        match item {
            Item::Event(frame) => {
                self.positions.insert(frame.stream, frame.seq);
                if frame.event == events::AccessLost::NAME
                    && let Ok(lost) = serde_json::from_str::<AccessLost>(frame.data.get())
                {
                    self.positions.remove(&lost.workspace_id.into());
                }
            }
            Item::Connected(welcome) => self.settle(welcome),
            _ => {}
        }
    }

    fn settle(&mut self, welcome: &Welcome) {
        if self.epoch != welcome.epoch {
            self.positions.clear();
            self.epoch.clone_from(&welcome.epoch);
        }
        // What is not listed can no longer be read.
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
