//! Fan-out: many watchers of one workspace, one writer. Measures the cost of a delivery, the deliveries a second, and
//! their latency. On a server that stores data, an event is a stored task.

use super::{Name, PATIENCE, Scenario};
use crate::board::Board;
use crate::pace::Pace;
use crate::peers::account;
use crate::peers::crowd;
use crate::peers::found::Found;
use crate::peers::peer::Target;
use crate::peers::writer::Writer;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Events a second, below saturation.
const RATE: f64 = 10.0;
/// Events under way, at saturation.
const WINDOW: usize = 128;

pub(super) async fn run(scenario: &Scenario, target: &Target, found: &mut Found) -> Result<(), Trouble> {
    let rate = |burst| Pace::Rate {
        per_second: RATE,
        burst,
    };
    let (name, pace) = match scenario.name {
        Name::Bursts => ("bursts", rate(8)),
        Name::Saturated => ("saturated", Pace::Full { window: WINDOW }),
        _ => ("moderate", rate(1)),
    };
    // The first account writes and does not watch.
    let accounts = account::make(target, 9).await?;
    let (board, mut tasks) = (Board::new(PATIENCE), JoinSet::new());
    crowd::watch(target, &accounts[1..], scenario.watchers, 1, &board, &mut tasks).await?;
    let mut writer = Writer::open(target, &accounts[0], &board, scenario.watchers).await?;
    writer
        .run(pace, Duration::from_secs_f64(scenario.warm_up))
        .await?;
    let (usage, start) = (target.processes().usage(), Instant::now());
    writer
        .run(pace, Duration::from_secs_f64(scenario.seconds))
        .await?;
    let (seconds, spent) = (
        start.elapsed().as_secs_f64(),
        target.processes().usage().since(&usage),
    );
    {
        let mut tally = board.lock();
        let deliveries = tally.delivered.max(1) as f64;
        found.put(name, "cpu", spent.server / deliveries);
        found.put(name, "rate", deliveries / seconds);
        found.put_latency(name, tally.meter.whole());
        found.put_client(name, spent, seconds);
    }
    found.put_faults(target.peer, &board);
    Ok(())
}
