//! Keeps a replica up to date: syncs what has to be synced and applies events, over any number of reconnects.
//! Does not make other calls, and does not decide which streams to follow: the client's configuration does.

use crate::{
    Boxed,
    client::Client,
    error::{CallError, Disconnected, Stopped},
    events::{Events, Item},
    replica::{Applied, Replica},
};
use futures_util::FutureExt as _;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use taskwire_protocol::{
    ErrorCode, StreamId, WorkspaceId,
    account::{SyncUser, UserSnapshot},
    events::{self, EventType},
    frames::{EventFrame, Welcome},
    stream::Reason,
    workspace::{AccessGranted, SyncWorkspace, WorkspaceSnapshot},
};

/// How long to wait before a sync is tried again, when the server does not say.
const AGAIN: Duration = Duration::from_secs(1);

/// What has changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// An event was applied.
    Event(EventFrame),
    /// A stream was synced: the replica has its state.
    Synced(StreamId),
    /// A stream cannot be synced; it is no longer followed.
    SyncFailed(StreamId, CallError),
    /// Something to know now; ephemeral.
    Signal {
        /// Which.
        signal: String,
        /// More about it.
        data: Box<RawValue>,
    },
    /// A connection stands.
    Connected(Arc<Welcome>),
    /// The connection is gone.
    Disconnected {
        /// Why.
        reason: Disconnected,
        /// When the next try begins.
        retry_in: Duration,
    },
    /// The client has stopped: the last change.
    Stopped(Stopped),
}

/// A client with a replica of all that it follows.
pub struct Follower {
    client: Client,
    events: Events,
    replica: Replica,
    waiting: VecDeque<StreamId>,
    syncing: Option<Syncing>,
    /// What the server does not follow on this connection, because there are too many.
    limited: BTreeSet<StreamId>,
    /// Streams of the `welcome` whose `Resync` is still to come; `None` before the first one.
    announced: Option<BTreeSet<StreamId>>,
}

/// The page that is being fetched.
struct Syncing {
    stream: StreamId,
    first: bool,
    page: Boxed<'static, Result<Page, CallError>>,
}

enum Page {
    User(Box<UserSnapshot>),
    Workspace(WorkspaceId, Box<WorkspaceSnapshot>),
}

impl Follower {
    /// Begins with nothing; the first items of the connection say what to sync.
    pub fn new(client: Client, events: Events) -> Follower {
        Follower {
            client,
            events,
            replica: Replica::new(),
            waiting: VecDeque::new(),
            syncing: None,
            limited: BTreeSet::new(),
            announced: None,
        }
    }

    /// The state so far. A stream whose `Synced` has not come yet may be missing or incomplete.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The client, for calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether nothing is left to sync.
    pub fn is_synced(&self) -> bool {
        let begun = if self.client.follows_all() {
            self.replica.user().is_some()
        } else {
            self.announced.as_ref().is_some_and(BTreeSet::is_empty)
        };
        begun && self.syncing.is_none() && self.waiting.is_empty()
    }

    /// Works until something has changed; `None` after [`Change::Stopped`]. Safe to cancel. Nothing moves while
    /// nobody waits here.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            self.start_sync();
            let change = tokio::select! {
                biased;
                page = fetched(&mut self.syncing) => self.take_page(page),
                item = self.events.next() => self.take_item(item?),
            };
            if change.is_some() {
                return change;
            }
        }
    }

    fn need(&mut self, stream: StreamId) {
        let under_way = self
            .syncing
            .as_ref()
            .is_some_and(|syncing| syncing.stream == stream);
        if under_way {
            self.syncing = None;
        }
        if !self.waiting.contains(&stream) {
            self.waiting.push_back(stream);
        }
    }

    fn drop_stream(&mut self, stream: StreamId) {
        self.waiting.retain(|waiting| *waiting != stream);
        if self
            .syncing
            .as_ref()
            .is_some_and(|syncing| syncing.stream == stream)
        {
            self.syncing = None;
        }
        self.replica.forget(stream);
    }

    fn start_sync(&mut self) {
        if self.syncing.is_none()
            && let Some(stream) = self.waiting.pop_front()
        {
            self.syncing = Some(Syncing {
                stream,
                first: true,
                page: fetch(self.client.clone(), stream, None),
            });
        }
    }

    fn take_page(&mut self, page: Result<Page, CallError>) -> Option<Change> {
        let stream = self.syncing.take()?.stream;
        match page {
            Ok(Page::User(snapshot)) => {
                self.replica.take_user(*snapshot);
                self.need_new_workspaces();
            }
            Ok(Page::Workspace(id, page)) => {
                let cursor = page.cursor.clone();
                if self.replica.take_page(id, *page).is_err() {
                    self.need(stream); // its first page went with an event: begin again
                    return None;
                }
                if let Some(cursor) = cursor {
                    self.syncing = Some(Syncing {
                        stream,
                        first: false,
                        page: fetch(self.client.clone(), stream, Some(cursor)),
                    });
                    return None;
                }
            }
            Err(error) => return self.not_synced(stream, error),
        }
        Some(Change::Synced(stream))
    }

    /// A workspace that was granted while the snapshot was awaited is in it, and its `access.granted` was passed over.
    fn need_new_workspaces(&mut self) {
        let Some(user) = self.replica.user().filter(|_| self.client.follows_all()) else {
            return;
        };
        let missing = user.workspaces().keys().copied().filter(|id| {
            let stream = StreamId::Workspace(*id);
            self.replica.workspace(*id).is_none()
                && !self.limited.contains(&stream)
                && !self.waiting.contains(&stream)
        });
        let missing: Vec<StreamId> = missing.map(StreamId::Workspace).collect();
        self.waiting.extend(missing);
    }

    fn not_synced(&mut self, stream: StreamId, error: CallError) -> Option<Change> {
        if matches!(error, CallError::Stopped(_)) {
            return None; // the last item says so
        }
        self.replica.forget(stream);
        // Access went while the request was on its way: `access.lost` tells the program.
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
                    self.need(stream);
                }
                return None;
            }
            Item::Signal { signal, data } => Change::Signal { signal, data },
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
        // The answer with the snapshot was there before any event after it: look at it first.
        let answered = self.syncing.as_mut().and_then(|syncing| {
            let awaited = syncing.first && syncing.stream == frame.stream;
            awaited.then(|| (&mut syncing.page).now_or_never()).flatten()
        });
        let synced = answered.and_then(|page| self.take_page(page));
        let change = self.apply(frame);
        // The event is in the state that the program sees with `Synced`.
        synced.or(change)
    }

    fn apply(&mut self, frame: EventFrame) -> Option<Change> {
        let stream = frame.stream;
        let awaited = self.waiting.contains(&stream)
            || self
                .syncing
                .as_ref()
                .is_some_and(|syncing| syncing.first && syncing.stream == stream);
        if awaited {
            return None; // the snapshot that is to come has it
        }
        match self.replica.apply(&frame) {
            Ok(Applied::Taken) => {}
            Ok(Applied::Old) => return None,
            Ok(Applied::NeedsSync) | Err(_) => {
                self.need(stream);
                return None;
            }
        }
        match frame.event.as_str() {
            events::AccessGranted::NAME => {
                if let Ok(granted) = serde_json::from_str::<AccessGranted>(frame.data.get()) {
                    self.need(granted.workspace.id.into());
                }
            }
            events::AccessLost::NAME => {
                let lost = serde_json::from_str::<taskwire_protocol::workspace::AccessLost>(frame.data.get());
                if let Ok(lost) = lost {
                    self.drop_stream(lost.workspace_id.into());
                }
            }
            _ => {}
        }
        Some(Change::Event(frame))
    }
}

async fn fetched(syncing: &mut Option<Syncing>) -> Result<Page, CallError> {
    match syncing {
        Some(syncing) => (&mut syncing.page).await,
        None => std::future::pending().await,
    }
}

/// Fetches a page, however often it takes while the server says that it may work later.
fn fetch(
    client: Client,
    stream: StreamId,
    cursor: Option<String>,
) -> Boxed<'static, Result<Page, CallError>> {
    Box::pin(async move {
        loop {
            let page = match stream {
                StreamId::User(_) => client.call(SyncUser {}).await.map(|s| Page::User(Box::new(s))),
                StreamId::Workspace(workspace_id) => {
                    let params = SyncWorkspace {
                        workspace_id,
                        cursor: cursor.clone(),
                    };
                    let page = client.call(params).await;
                    page.map(|page| Page::Workspace(workspace_id, Box::new(page)))
                }
            };
            match page {
                Err(CallError::Refused(failure)) if failure.retryable => {
                    let wait = failure.retry_after_ms.map_or(AGAIN, Duration::from_millis);
                    tokio::time::sleep(wait).await;
                }
                page => return page,
            }
        }
    })
}
