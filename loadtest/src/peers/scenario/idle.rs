//! `idle`: idle sockets. Measures the server's memory for each, and proves that each is subscribed.

use super::{PATIENCE, Scenario};
use crate::board::Board;
use crate::pace::Writes;
use crate::peers::account;
use crate::peers::crowd;
use crate::peers::found::Found;
use crate::peers::peer::Target;
use crate::peers::writer::Writer;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Sockets before the measurement, so that memory that a server allocates once is not counted. By then it has also
/// reused or freed short-lived memory: Taskwire's password hashes take 19 MiB each.
const BEFORE: usize = 4000;
/// The pause before memory is read.
const SETTLE: Duration = Duration::from_millis(1500);

pub(super) async fn run(scenario: &Scenario, target: &Target, found: &mut Found) -> Result<(), Trouble> {
    let accounts = account::make(target, super::accounts(target.peer, 50)).await?;
    let (board, mut tasks) = (Board::new(PATIENCE), JoinSet::new());
    crowd::watch(target, &accounts, BEFORE, 1, &board, &mut tasks).await?;
    sleep(SETTLE).await;
    let (memory, usage, start) = (target.memory(), target.processes().usage(), Instant::now());
    crowd::watch(target, &accounts, scenario.idle, 1, &board, &mut tasks).await?;
    let (seconds, spent) = (
        start.elapsed().as_secs_f64(),
        target.processes().usage().since(&usage),
    );
    sleep(SETTLE).await;
    let sockets = scenario.idle as f64;
    found.put("idle", "memory", (target.memory() - memory) / sockets);
    found.put("idle", "connects", sockets / seconds);
    found.put("idle", "cpu", spent.server / sockets);

    let all = BEFORE + scenario.idle;
    let mut writer = Writer::open(target, &accounts[0], &board, all).await?;
    writer.send(1, Instant::now()).await?;
    writer.hear_until(board.all(all as u64)).await?;
    found.put_faults(target.peer, &board);
    Ok(())
}
