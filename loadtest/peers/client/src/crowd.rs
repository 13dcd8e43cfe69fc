//! Many sockets: opened some at a time, then read by a task each. Knows neither scenarios nor protocols.

use crate::account::Account;
use crate::board::{Board, Watcher};
use crate::join::{Resume, Role, join};
use crate::link::Link;
use crate::peer::Target;
use crate::trouble::Trouble;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Sockets that are being opened at the same time.
const OPENING: usize = 400;
/// Between two attempts of a socket that was sent away: short, so that the server sets the pace.
const PAUSE: Duration = Duration::from_millis(20);
/// Attempts before a socket gives up.
const ATTEMPTS: u64 = 500;

/// Makes `count` things, some at a time, in whatever order they are ready.
pub(crate) async fn gather<T, F>(count: usize, make: impl Fn(usize) -> F) -> Result<Vec<T>, Trouble>
where
    F: Future<Output = Result<T, Trouble>>,
{
    stream::iter((0..count).map(make))
        .buffer_unordered(OPENING)
        .try_collect()
        .await
}

/// A watcher's socket, as soon as the server admits it; says also how often it was sent away.
pub(crate) async fn enter(
    target: &Target,
    account: &Account,
    resume: &Resume,
) -> Result<(Link, Resume, u64), Trouble> {
    let mut sent_away = 0;
    loop {
        match join(target, account, Role::Watch, resume).await {
            Err(trouble) if trouble.may_pass() && sent_away < ATTEMPTS => {
                sent_away += 1;
                tokio::time::sleep(PAUSE).await;
            }
            joined => return joined.map(|(link, resume)| (link, resume, sent_away)),
        }
    }
}

/// Opens so many watchers and reads them until the tasks are dropped. `next` is the first event that they get.
pub(crate) async fn watch(
    target: &Target,
    accounts: &[Account],
    count: usize,
    next: u64,
    board: &Arc<Board>,
    tasks: &mut JoinSet<()>,
) -> Result<(), Trouble> {
    let links = gather(count, |n| {
        let account = &accounts[n % accounts.len()];
        async move { enter(target, account, &None).await.map(|(link, ..)| link) }
    });
    for link in links.await? {
        follow(link, Watcher::from(next), board, tasks);
    }
    Ok(())
}

/// Reads a socket until the tasks are dropped. One that ends before is a fault.
pub(crate) fn follow(mut link: Link, mut watcher: Watcher, board: &Arc<Board>, tasks: &mut JoinSet<()>) {
    let board = board.clone();
    tasks.spawn(async move {
        board.follow(&mut link, &mut watcher).await;
        board.fault("sockets that the server cut", 1);
    });
}
