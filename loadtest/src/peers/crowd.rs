//! Many sockets to one peer: opened some at a time, then each read by its own task. Knows neither scenarios nor
//! protocols.

use super::account::Account;
use super::join::{Resume, Role, join};
use super::link::Link;
use super::peer::Target;
use super::watcher::Watcher;
use crate::board::Board;
use crate::crowd::{Admission, admitted, gather};
use crate::fault::Fault;
use crate::trouble::Trouble;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How sockets are opened.
pub(super) const ADMISSION: Admission = Admission { opening: 400 };

/// Opens a watcher's socket, as soon as the server admits it. Also returns how often the server refused it.
pub(super) async fn enter(
    target: &Target,
    account: &Account,
    resume: &Resume,
) -> Result<(Link, Resume, u64), Trouble> {
    let joining = || join(target, account, Role::Watch, resume);
    // Some peers keep a crowd waiting for longer than the patience.
    let may_pass = |trouble: &Trouble| trouble.may_pass() || matches!(trouble, Trouble::TooLate(..));
    let ((link, resume), sent_away) = admitted(joining, may_pass).await?;
    Ok((link, resume, sent_away))
}

/// Opens `count` watchers and reads them until the tasks are dropped. `next` is the first event that they get.
pub(super) async fn watch(
    target: &Target,
    accounts: &[Account],
    count: usize,
    next: u64,
    board: &Arc<Board>,
    tasks: &mut JoinSet<()>,
) -> Result<(), Trouble> {
    let links = gather(count, ADMISSION, |n| {
        let account = &accounts[n % accounts.len()];
        async move { enter(target, account, &None).await.map(|(link, ..)| link) }
    });
    for link in links.await? {
        follow(link, Watcher::from(next), board, tasks);
    }
    Ok(())
}

/// Reads a socket until the tasks are dropped. A socket that ends earlier is a fault.
pub(super) fn follow(mut link: Link, mut watcher: Watcher, board: &Arc<Board>, tasks: &mut JoinSet<()>) {
    let board = board.clone();
    tasks.spawn(async move {
        let trouble = watcher.follow(&mut link, &board).await;
        board.fault(Fault::Cut, 1, || trouble.to_string());
    });
}
