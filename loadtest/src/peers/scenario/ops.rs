//! `ops`: users make durable tasks, one after the other, while their other sockets watch. Measures operations a second,
//! the CPU of an operation in the server and its databases, and its latency.

use super::{PATIENCE, Scenario};
use crate::board::Board;
use crate::lock::lock;
use crate::meter::{Latency, latency, micros};
use crate::peers::account::{self, Account};
use crate::peers::crowd;
use crate::peers::found::Found;
use crate::peers::hear::Heard;
use crate::peers::join::{Role, join};
use crate::peers::link::Link;
use crate::peers::peer::{Peer, Target};
use crate::peers::say;
use crate::peers::watcher::Watcher;
use crate::trouble::Trouble;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// State that all users share.
struct Shared {
    phase: AtomicU8,
    acknowledged: AtomicU64,
    latency: Mutex<Latency>,
    board: Arc<Board>,
}

pub(super) async fn run(scenario: &Scenario, target: &Target, found: &mut Found) -> Result<(), Trouble> {
    let accounts = account::make(target, scenario.users).await?;
    let shared = Arc::new(Shared {
        phase: AtomicU8::new(WARM_UP),
        acknowledged: AtomicU64::new(0),
        latency: Mutex::new(latency()),
        board: Board::new(PATIENCE),
    });
    let (mut watchers, mut users) = (JoinSet::new(), JoinSet::new());
    for account in accounts {
        let (link, ..) = crowd::enter(target, &account, &None).await?;
        crowd::follow(link, Watcher::from(1), &shared.board, &mut watchers);
        let (link, _) = join(target, &account, Role::Write, &None).await?;
        users.spawn(make_tasks(link, target.peer, account, shared.clone()));
    }
    sleep(Duration::from_secs_f64(scenario.warm_up)).await;
    let (usage, start) = (target.processes().usage(), Instant::now());
    shared.phase.store(MEASURE, Relaxed);
    sleep(Duration::from_secs_f64(scenario.seconds)).await;
    shared.phase.store(STOP, Relaxed);
    let (seconds, spent) = (
        start.elapsed().as_secs_f64(),
        target.processes().usage().since(&usage),
    );
    while let Some(ended) = users.join_next().await {
        ended.map_err(|error| Trouble::setup(error.to_string()))??;
    }
    // Each acknowledged task must arrive at its user's other socket once.
    shared.board.all(shared.acknowledged.load(Relaxed)).await;
    let measured = lock(&shared.latency).clone();
    let ops = measured.len().max(1) as f64;
    found.put("ops", "rate", ops / seconds);
    found.put("ops", "cpu", (spent.server + spent.database) / ops);
    found.put("ops", "server", spent.server / ops);
    found.put_latency("ops", &measured);
    found.put_client("ops", spent, seconds);
    found.put_faults(target.peer, &shared.board);
    Ok(())
}

/// Makes one task after the other, each as soon as the previous one is acknowledged.
async fn make_tasks(
    mut link: Link,
    peer: Peer,
    account: Account,
    shared: Arc<Shared>,
) -> Result<(), Trouble> {
    let (mut bytes, mut number) = (Vec::new(), 0);
    loop {
        let phase = shared.phase.load(Relaxed);
        if phase == STOP {
            return Ok(());
        }
        number += 1;
        bytes.clear();
        say::create(&mut bytes, peer, &account, number, false);
        let start = Instant::now();
        link.send(&bytes).await?;
        link.wait("task.create", |heard| match heard {
            Heard::Ok(_) => Some(Ok(())),
            heard => heard.refusal("task.create").map(Err),
        })
        .await?;
        let took = start.elapsed();
        shared.acknowledged.fetch_add(1, Relaxed);
        // A request that was under way at the end of the phase does not belong to it.
        if phase == MEASURE && shared.phase.load(Relaxed) == MEASURE {
            lock(&shared.latency).saturating_record(micros(took));
        }
    }
}
