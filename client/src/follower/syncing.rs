//! The streams that have to be synced, one after the other, and the page that is being fetched.
//! Does not know what is done with a page.

use crate::{Boxed, client::Client, error::CallError};
use futures_util::FutureExt as _;
use std::collections::VecDeque;
use taskwire_protocol::{
    StreamId, WorkspaceId,
    account::{SyncUser, UserSnapshot},
    workspace::{SyncWorkspace, WorkspaceSnapshot},
};

pub(super) struct Syncing {
    client: Client,
    waiting: VecDeque<StreamId>,
    current: Option<Fetch>,
}

/// A page on its way.
struct Fetch {
    stream: StreamId,
    first: bool,
    page: Boxed<'static, Result<Page, CallError>>,
}

pub(super) enum Page {
    User(Box<UserSnapshot>),
    Workspace(WorkspaceId, Box<WorkspaceSnapshot>),
}

/// A stream, and the page that was fetched for it.
pub(super) type Fetched = (StreamId, Result<Page, CallError>);

impl Syncing {
    pub(super) fn new(client: Client) -> Syncing {
        Syncing {
            client,
            waiting: VecDeque::new(),
            current: None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.current.is_none()
    }

    /// Adds a stream. If it is being synced, it starts again from its first page.
    pub(super) fn add(&mut self, stream: StreamId) {
        self.stop_fetching(stream);
        if !self.waiting.contains(&stream) {
            self.waiting.push_back(stream);
        }
    }

    pub(super) fn remove(&mut self, stream: StreamId) {
        self.stop_fetching(stream);
        self.waiting.retain(|waiting| *waiting != stream);
    }

    fn stop_fetching(&mut self, stream: StreamId) {
        self.current.take_if(|fetch| fetch.stream == stream);
    }

    /// Whether the stream's first page has not arrived yet.
    pub(super) fn awaits_snapshot(&self, stream: StreamId) -> bool {
        let fetching = self.current.as_ref();
        self.waiting.contains(&stream) || fetching.is_some_and(|fetch| fetch.first && fetch.stream == stream)
    }

    /// The next page. Waits for ever while no stream is left. Safe to cancel.
    pub(super) async fn next_page(&mut self) -> Fetched {
        if self.current.is_none()
            && let Some(stream) = self.waiting.pop_front()
        {
            self.fetch(stream, None);
        }
        let Some(fetch) = &mut self.current else {
            return std::future::pending().await;
        };
        let fetched = (fetch.stream, (&mut fetch.page).await);
        self.current = None;
        fetched
    }

    /// The stream's first page, if it is being fetched and has arrived.
    pub(super) fn first_page_if_here(&mut self, stream: StreamId) -> Option<Fetched> {
        let fetch = self.current.as_mut();
        let awaited = fetch.filter(|fetch| fetch.first && fetch.stream == stream)?;
        let page = (&mut awaited.page).now_or_never()?;
        self.current = None;
        Some((stream, page))
    }

    /// Fetches the page at the cursor; without one, the first page. Repeats the call while the server says that it
    /// may succeed later.
    pub(super) fn fetch(&mut self, stream: StreamId, cursor: Option<String>) {
        let client = self.client.clone();
        let first = cursor.is_none();
        let page = Box::pin(async move {
            Ok(match stream {
                StreamId::User(_) => {
                    let snapshot = client.call_patiently(&SyncUser {}, |failure| failure.retryable);
                    Page::User(Box::new(snapshot.await?))
                }
                StreamId::Workspace(workspace_id) => {
                    let params = SyncWorkspace {
                        workspace_id,
                        cursor,
                        open_only: None,
                    };
                    let page = client.call_patiently(&params, |failure| failure.retryable);
                    Page::Workspace(workspace_id, Box::new(page.await?))
                }
            })
        });
        self.current = Some(Fetch { stream, first, page });
    }
}
