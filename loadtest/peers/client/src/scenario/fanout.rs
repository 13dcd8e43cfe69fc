//! Fan-out: many watchers of one workspace, one writer. What a delivery costs, how many there are a second, how late
//! they are. An event is a stored task where the server stores any.

use super::{Found, Name, Scenario};
use crate::account;
use crate::board::Board;
use crate::crowd;
use crate::peer::Target;
use crate::trouble::Trouble;
use crate::writer::{Pace, Writer};
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
    // The first writes and does not watch.
    let accounts = account::make(target, 9).await?;
    let (board, mut tasks) = (Board::new(), JoinSet::new());
    crowd::watch(target, &accounts[1..], scenario.watchers, 1, &board, &mut tasks).await?;
    let mut writer = Writer::open(target, &accounts[0], &board, scenario.watchers).await?;
    writer
        .run(pace, Duration::from_secs_f64(scenario.warm_up))
        .await?;
    let (usage, start) = (target.usage(), Instant::now());
    writer
        .run(pace, Duration::from_secs_f64(scenario.seconds))
        .await?;
    let (seconds, spent) = (start.elapsed().as_secs_f64(), target.spent(&usage));
    {
        let tally = board.lock();
        let deliveries = tally.delivered.max(1) as f64;
        found.put(name, "cpu", spent.server / deliveries);
        found.put(name, "rate", deliveries / seconds);
        found.put_latency(name, &tally.latency);
        found.put(name, "client", spent.client / seconds / 10_000.0);
    }
    found.put_faults(&board);
    Ok(())
}
