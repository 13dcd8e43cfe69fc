//! Reads lists page by page, and makes calls. While the server limits the rate, the command waits instead of failing;
//! for a while also when the server cannot serve it.

use std::time::{Duration, Instant};
use taskwire_client::{
    CallError, Client,
    protocol::{
        ErrorCode, Failure, Operation,
        admin::{ListConnections, ListUsers},
        attachment::ListAttachments,
        comment::ListComments,
        invite::ListInvites,
        limits,
        member::ListMembers,
        notification::ListNotifications,
        project::ListProjects,
        tag::ListTags,
        task::{ListTasks, SearchTasks},
        workspace::ListWorkspaces,
    },
};

/// How long a command waits for a server that answers, but cannot serve it: it restarts, or its database does.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a call, and waits while the server limits the rate or is unavailable.
pub(crate) async fn call<O: Operation + Clone>(client: &Client, params: &O) -> Result<O::Output, CallError> {
    let began = Instant::now();
    let passes = |failure: &Failure| match failure.code {
        ErrorCode::RateLimited => true,
        ErrorCode::Unavailable => began.elapsed() < PATIENCE,
        _ => false,
    };
    client.call_patiently(params, passes).await
}

/// An operation that returns a page of a list.
pub(crate) trait Paged: Operation + Clone {
    /// Sets the cursor and the size of the page to ask for.
    fn turn_to(&mut self, cursor: Option<String>, limit: u32);
    fn len(page: &Self::Output) -> usize;
    fn next_cursor(page: &Self::Output) -> Option<String>;
}

macro_rules! paged {
    ($($list:ty),*) => {
        $(impl Paged for $list {
            fn turn_to(&mut self, cursor: Option<String>, limit: u32) {
                (self.cursor, self.limit) = (cursor, Some(limit));
            }

            fn len(page: &Self::Output) -> usize {
                page.items.len()
            }

            fn next_cursor(page: &Self::Output) -> Option<String> {
                page.next_cursor.clone()
            }
        })*
    };
}

paged!(
    ListAttachments,
    ListComments,
    ListConnections,
    ListInvites,
    ListMembers,
    ListNotifications,
    ListProjects,
    ListTags,
    ListTasks,
    ListUsers,
    ListWorkspaces,
    SearchTasks
);

/// All items, however many there are.
pub(crate) const ALL: usize = usize::MAX;

/// Passes one page after the other to `take`, until it has `wanted` items or the list ends. Returns whether there are
/// more items.
pub(crate) async fn read<O: Paged>(
    client: &Client,
    mut params: O,
    wanted: usize,
    mut take: impl FnMut(O::Output),
) -> Result<bool, CallError> {
    let (mut missing, mut cursor) = (wanted, None);
    loop {
        let limit = u32::try_from(missing).unwrap_or(limits::PAGE).min(limits::PAGE);
        params.turn_to(cursor, limit);
        let page = call(client, &params).await?;
        missing = missing.saturating_sub(O::len(&page));
        cursor = O::next_cursor(&page);
        take(page);
        if cursor.is_none() || missing == 0 {
            return Ok(cursor.is_some());
        }
    }
}
