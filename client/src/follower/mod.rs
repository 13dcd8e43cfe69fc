//! Keeps a replica up to date: syncs streams (`syncing`) and applies events, over any number of reconnects.
//! Makes no other calls. The client's configuration decides which streams to follow.

mod syncing;

use crate::{
    client::Client,
    error::{CallError, Disconnected, Stopped},
    events::{Events, Item},
    replica::{Applied, Replica},
};
use serde_json::value::RawValue;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use syncing::{Fetched, Page, Syncing};
use taskwire_protocol::{
    ErrorCode, StreamId,
    events::{self, EventType},
    frames::{EventFrame, Welcome},
    signals,
    stream::{NotFollowed, Reason},
    workspace::{AccessGranted, AccessLost},
};

/// A change that a [`Follower`] reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// An event was applied.
    Event(EventFrame),
    /// A stream was synced: the replica has its state.
    Synced(StreamId),
    /// A stream cannot be synced; it is no longer followed.
    SyncFailed(StreamId, CallError),
    /// A signal: it concerns this moment only and is in no log.
    Signal {
        /// The signal's name.
        signal: String,
        /// The signal's payload.
        data: Box<RawValue>,
    },
    /// The server welcomed the client.
    Connected(Arc<Welcome>),
    /// The connection was lost, or an attempt to connect failed.
    Disconnected {
        /// Why there is no connection.
        reason: Disconnected,
        /// The wait before the next attempt.
        retry_in: Duration,
    },
    /// The client has stopped. This is the last change.
    Stopped(Stopped),
}

/// A client with a replica of every stream that it follows.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use taskwire_client::{Change, Client, Config, FixedToken, Follower};
///
/// let config = Config::new("http://127.0.0.1:8080", FixedToken::new("…"));
/// let (client, events) = Client::connect(config)?;
/// let mut follower = Follower::new(client, events);
/// while let Some(change) = follower.next().await {
///     if let Change::Event(_) | Change::Synced(_) = change {
///         let tasks: usize = follower.replica().workspaces().map(|(_, w)| w.tasks().len()).sum();
///         println!("{tasks} tasks");
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Follower {
    client: Client,
    events: Events,
    replica: Replica,
    syncing: Syncing,
    /// Streams that the server does not follow on this connection, because there are too many.
    limited: BTreeSet<StreamId>,
    /// Streams of the `welcome` whose `Resync` has not arrived yet; `None` before the first `welcome`.
    announced: Option<BTreeSet<StreamId>>,
}

impl Follower {
    /// Starts with an empty replica; the first items of the connection say what to sync.
    pub fn new(client: Client, events: Events) -> Follower {
        Follower {
            syncing: Syncing::new(client.clone()),
            client,
            events,
            replica: Replica::new(),
            limited: BTreeSet::new(),
            announced: None,
        }
    }

    /// The state so far. A stream may be missing or incomplete until its [`Change::Synced`].
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The client, for calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether every stream is synced.
    pub fn is_synced(&self) -> bool {
        let begun = if self.client.follows_all() {
            self.replica.user().is_some()
        } else {
            self.announced.as_ref().is_some_and(BTreeSet::is_empty)
        };
        begun && self.syncing.is_done()
    }

    /// Works until something changes and returns the change; `None` after [`Change::Stopped`]. Syncs and applies events
    /// only while it is awaited. Safe to cancel.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            let change = tokio::select! {
                biased;
                fetched = self.syncing.next_page() => self.take_page(fetched),
                item = self.events.next() => self.take_item(item?),
            };
            if change.is_some() {
                return change;
            }
        }
    }

    fn drop_stream(&mut self, stream: StreamId) {
        self.syncing.remove(stream);
        self.replica.forget(stream);
    }

    fn take_page(&mut self, (stream, page): Fetched) -> Option<Change> {
        match page {
            Ok(Page::User(snapshot)) => {
                self.replica.take_user(*snapshot);
                self.sync_new_workspaces();
            }
            Ok(Page::Workspace(id, page)) => {
                let cursor = page.cursor.clone();
                if self.replica.take_page(id, *page).is_err() {
                    self.syncing.add(stream); // an event removed its first page: start again
                    return None;
                }
                if cursor.is_some() {
                    self.syncing.fetch(stream, cursor);
                    return None;
                }
            }
            Err(error) => return self.not_synced(stream, error),
        }
        Some(Change::Synced(stream))
    }

    /// Syncs workspaces that were granted during the user's sync: they are in the snapshot, and their `access.granted`
    /// was skipped.
    fn sync_new_workspaces(&mut self) {
        let Some(user) = self.replica.user().filter(|_| self.client.follows_all()) else {
            return;
        };
        let ids = user.workspaces().keys().copied();
        let missing = ids.filter(|id| self.replica.workspace(*id).is_none());
        let streams = missing.map(StreamId::Workspace);
        for stream in streams.filter(|stream| !self.limited.contains(stream)) {
            self.syncing.add(stream);
        }
    }

    fn not_synced(&mut self, stream: StreamId, error: CallError) -> Option<Change> {
        if matches!(error, CallError::Stopped(_)) {
            return None; // `Item::Stopped` follows
        }
        self.replica.forget(stream);
        // Access ended while the request was on its way; `access.lost` tells the program.
        let lost = matches!(error.code(), Some(ErrorCode::NotFound | ErrorCode::Forbidden));
        (!lost).then_some(Change::SyncFailed(stream, error))
    }

    fn take_item(&mut self, item: Item) -> Option<Change> {
        Some(match item {
            Item::Event(frame) => return self.take_event(frame),
            Item::Resync { stream, reason } => {
                if let Some(announced) = &mut self.announced {
                    announced.remove(&stream);
                }
                if matches!(reason, Reason::NoAccess | Reason::Limit) {
                    if reason == Reason::Limit {
                        self.limited.insert(stream);
                    }
                    self.drop_stream(stream);
                } else {
                    self.syncing.add(stream);
                }
                return None;
            }
            Item::Signal { signal, data } => {
                if signal == signals::NOT_FOLLOWED
                    && let Ok(NotFollowed { stream, .. }) = serde_json::from_str(data.get())
                {
                    self.limited.insert(stream);
                    self.drop_stream(stream);
                }
                Change::Signal { signal, data }
            }
            Item::Connected(welcome) => {
                self.limited.clear();
                let new = welcome.streams.iter().filter(|state| !state.resumed);
                self.announced = Some(new.filter_map(|state| state.stream.parse().ok()).collect());
                Change::Connected(welcome)
            }
            Item::Disconnected { reason, retry_in } => Change::Disconnected { reason, retry_in },
            Item::Stopped(why) => Change::Stopped(why),
        })
    }

    fn take_event(&mut self, frame: EventFrame) -> Option<Change> {
        // The snapshot was answered before any event that follows it, so take it first.
        let snapshot = self.syncing.first_page_if_here(frame.stream);
        let synced = snapshot.and_then(|fetched| self.take_page(fetched));
        let change = self.apply(frame);
        // `Synced` stands for both: the state that it announces contains the event.
        synced.or(change)
    }

    fn apply(&mut self, frame: EventFrame) -> Option<Change> {
        let stream = frame.stream;
        if self.syncing.awaits_snapshot(stream) {
            return None; // the snapshot will contain it
        }
        match self.replica.apply(&frame) {
            Ok(Applied::Taken) => {}
            Ok(Applied::Old) => return None,
            Ok(Applied::NeedsSync) | Err(_) => {
                self.syncing.add(stream);
                return None;
            }
        }
        match frame.event.as_str() {
            events::AccessGranted::NAME => {
                if let Ok(granted) = serde_json::from_str::<AccessGranted>(frame.data.get())
                    && !self.limited.contains(&granted.workspace.id.into())
                {
                    self.syncing.add(granted.workspace.id.into());
                }
            }
            events::AccessLost::NAME => {
                if let Ok(lost) = serde_json::from_str::<AccessLost>(frame.data.get()) {
                    self.drop_stream(lost.workspace_id.into());
                }
            }
            _ => {}
        }
        Some(Change::Event(frame))
    }
}
