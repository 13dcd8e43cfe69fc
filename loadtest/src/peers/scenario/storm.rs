//! `storm`: all sockets are cut at once, an event is written, and all reconnect at once. Measures the seconds until all
//! are subscribed again and how many got the event that they missed, and proves that all get the next one.

use super::{PATIENCE, Scenario};
use crate::board::Board;
use crate::crowd::gather;
use crate::fault::Fault;
use crate::lock::lock;
use crate::pace::Writes;
use crate::peers::account::{self, Account};
use crate::peers::crowd;
use crate::peers::found::Found;
use crate::peers::join::Resume;
use crate::peers::link::Link;
use crate::peers::peer::{Peer, Target};
use crate::peers::watcher::Watcher;
use crate::peers::writer::Writer;
use crate::trouble::Trouble;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long a missed event may take to arrive by itself, after all are back.
const GRACE: Duration = Duration::from_millis(500);

pub(super) async fn run(scenario: &Scenario, target: &Target, found: &mut Found) -> Result<(), Trouble> {
    let accounts = account::make(target, super::accounts(target.peer, 50)).await?;
    let (board, sent_away) = (Board::new(PATIENCE), AtomicU64::new(0));
    let places = gather(scenario.cut, crowd::ADMISSION, |n| {
        let account = &accounts[n % accounts.len()];
        async move {
            let (link, resume, _) = crowd::enter(target, account, &None).await?;
            Ok((link, account, resume))
        }
    });
    let places = places.await?;
    let mut writer = Writer::open(target, &accounts[0], &board, scenario.cut).await?;

    let (start, usage) = (Instant::now(), target.processes().usage());
    let away: Vec<(&Account, Resume)> = places
        .into_iter()
        .map(|(link, account, resume)| {
            drop(link);
            (account, resume)
        })
        .collect();
    writer.send(1, start).await?;
    writer.hear_all(&board).await?;
    let away = Mutex::new(away);
    let back = gather(scenario.cut, crowd::ADMISSION, |_| {
        let (next, sent_away) = (lock(&away).pop(), &sent_away);
        async move {
            let (account, resume) = next.ok_or(Trouble::Ended)?;
            let (link, _, times) = crowd::enter(target, account, &resume).await?;
            sent_away.fetch_add(times, Relaxed);
            Ok(link)
        }
    });
    let back = back.await?;
    let (seconds, spent) = (
        start.elapsed().as_secs_f64(),
        target.processes().usage().since(&usage),
    );
    found.put("storm", "seconds", seconds);
    found.put("storm", "cpu", spent.server / scenario.cut as f64);
    found.put("storm", "sent_away", sent_away.load(Relaxed) as f64);
    found.put_client("storm", spent, seconds);
    let missed = afterwards(back, &board, &mut writer).await?;
    // nchan could resend it to clients that speak its own subprotocol, which is not tested here.
    if target.peer != Peer::Nchan {
        let recovered = 100.0 * (1.0 - missed as f64 / scenario.cut as f64);
        found.put("storm", "recovered", recovered);
    }
    found.put_faults(target.peer, &board);
    Ok(())
}

/// Watches all sockets that reconnected, and writes another event, which all have to get. Returns how many sockets
/// never got the event that was written while they were away.
async fn afterwards(back: Vec<Link>, board: &Arc<Board>, writer: &mut Writer<'_>) -> Result<usize, Trouble> {
    let (end, ends) = watch::channel(());
    let mut tasks = JoinSet::new();
    let sockets = back.len() as u64;
    for mut link in back {
        let (board, mut ends) = (board.clone(), ends.clone());
        tasks.spawn(async move {
            let mut watcher = Watcher::from(1);
            let ended = tokio::select! {
                biased;
                trouble = watcher.follow(&mut link, &board) => Some(trouble),
                _ = ends.changed() => None,
            };
            if let Some(trouble) = ended {
                board.fault(Fault::Cut, 1, || trouble.to_string());
            }
            watcher
        });
    }
    let _ = tokio::time::timeout(GRACE, board.until(sockets)).await;
    let before = board.lock().delivered;
    writer.send(1, Instant::now()).await?;
    writer.hear_until(board.all(before + sockets)).await?;
    // Wait for duplicates.
    sleep(GRACE).await;
    // An error means that every task has ended.
    let _ = end.send(());
    let mut missed = 0;
    while let Some(watcher) = tasks.join_next().await {
        let watcher = watcher.map_err(|error| Trouble::setup(error.to_string()))?;
        missed += watcher.missing.len();
    }
    Ok(missed)
}
