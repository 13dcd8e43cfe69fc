//! Many sockets: opened some at a time, then each read by its own task. Knows neither scenarios nor streams.

use crate::accounts::{Account, SOCKET};
use crate::board::{Board, Watch};
use crate::fault::Fault;
use crate::link::Link;
use crate::machine;
use crate::trouble::Trouble;
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::Streams;
use taskwire_protocol::frames::Welcome;
use tokio::task::JoinSet;

/// The pause before the next attempt of a socket that the server refused. It is short, so that the server sets the
/// pace.
const PAUSE: Duration = Duration::from_millis(20);
/// A socket gives up after this many attempts, which is ten seconds of pauses.
const ATTEMPTS: u64 = 500;

/// How a crowd of sockets is made.
#[derive(Args, Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Admission {
    /// Sockets that are opened at the same time
    #[arg(long, value_parser = crate::options::count, default_value_t = 400)]
    pub(crate) opening: usize,
}

/// Raises the limit of open files for this many sockets, for this program and the server that it starts. Fails when the
/// machine does not allow it.
pub(crate) fn allow(sockets: usize) -> Result<(), Trouble> {
    let wanted = sockets as u64 + 500;
    let allowed = machine::allow_files(wanted);
    if allowed < wanted {
        return Err(Trouble::setup(format!(
            "{sockets} sockets need {wanted} open files, but this machine allows {allowed}: raise `ulimit -n`"
        )));
    }
    Ok(())
}

/// Calls `make` `count` times, some calls at the same time. Returns the results in the order in which they finish.
pub(crate) async fn gather<T, F>(
    count: usize,
    admission: Admission,
    make: impl Fn(usize) -> F,
) -> Result<Vec<T>, Trouble>
where
    F: Future<Output = Result<T, Trouble>>,
{
    stream::iter((0..count).map(make))
        .buffer_unordered(admission.opening.max(1))
        .try_collect()
        .await
}

/// Opens one socket and authenticates it, as soon as the server admits it.
pub(crate) async fn join(
    to: SocketAddr,
    number: usize,
    account: &Account,
    streams: Streams,
) -> Result<(Link, Welcome), Trouble> {
    let attempt = || async {
        let mut link = Link::open(to, SOCKET, number).await?;
        let welcome = link.authenticate(&account.token, streams.clone(), None).await?;
        Ok((link, welcome))
    };
    admitted(attempt, Trouble::may_pass)
        .await
        .map(|(joined, _)| joined)
}

/// Tries for some seconds, until the server admits the socket. Also returns how often the server refused it.
pub(crate) async fn admitted<T, F>(
    attempt: impl Fn() -> F,
    may_pass: impl Fn(&Trouble) -> bool,
) -> Result<(T, u64), Trouble>
where
    F: Future<Output = Result<T, Trouble>>,
{
    for sent_away in 0..ATTEMPTS {
        match attempt().await {
            Err(trouble) if may_pass(&trouble) => tokio::time::sleep(PAUSE).await,
            done => return done.map(|done| (done, sent_away)),
        }
    }
    attempt().await.map(|done| (done, ATTEMPTS))
}

/// Reads each socket until the tasks are dropped. A socket that ends earlier is a fault.
pub(crate) fn watch(board: &Arc<Board>, tasks: &mut JoinSet<()>, sockets: Vec<(Link, Watch)>) {
    for (mut link, mut watch) in sockets {
        let board = board.clone();
        tasks.spawn(async move {
            let trouble = board.follow(&mut link, &mut watch).await;
            board.fault(Fault::Cut, 1, || trouble.to_string());
        });
    }
}
