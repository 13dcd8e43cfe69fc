//! Faults of instances: killed, stopped, restarted, a clock that jumps, logs that are cut.

use crate::Failed;
use crate::stage::Stage;
use crate::world::Instance;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rustix::process::Signal;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::MutexGuard;
use tokio::time::sleep;

/// The fail points at which a mutation can be interrupted (`src/failpoint.rs` of the server).
pub(crate) const POINTS: usize = 11;
const PLACES: [&str; POINTS] = [
    "row.before",
    "row.after",
    "log.before",
    "log.after",
    "commit.before",
    "commit.after",
    "publish.before",
    "publish.after",
    "answer.before",
    "answer.between",
    "answer.after",
];
/// How long an instance may take until it serves again.
const BACK: Duration = Duration::from_secs(90);

/// Chooses an instance that serves. The guard keeps other faults away from it.
async fn pick<'a>(
    stage: &'a Stage,
    random: &mut StdRng,
) -> Result<(usize, &'a Arc<Instance>, MutexGuard<'a, ()>), Failed> {
    let world = &stage.shared.world;
    let number = random.random_range(0..world.instances.len());
    let turn = world.turns[number].lock().await;
    let instance = &world.instances[number];
    if !instance.ready(BACK).await {
        return Err(format!("instance {number} is not ready").into());
    }
    Ok((number, instance, turn))
}

async fn back(number: usize, instance: &Instance) -> Result<(), Failed> {
    if instance.ready(BACK).await {
        return Ok(());
    }
    Err(format!("instance {number} did not start again").into())
}

pub(super) async fn kill_at_point(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let (number, instance, _turn) = pick(stage, random).await?;
    let place = PLACES[stage.place.fetch_add(1, Relaxed) % POINTS];
    let starts = instance.starts.load(Relaxed);
    let passing = random.random_range(1..=20);
    instance.order(&format!("{place}=kill:{passing}"))?;
    let there = instance.died(starts, Duration::from_secs(8)).await;
    if !there {
        instance.signal(Signal::KILL);
        instance.died(starts, Duration::from_secs(5)).await;
    }
    back(number, instance).await?;
    let how = if there { "at" } else { "killed without reaching" };
    Ok(format!("instance {number} {how} {place}, passing {passing}"))
}

pub(super) async fn kill(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let (number, instance, _turn) = pick(stage, random).await?;
    let starts = instance.starts.load(Relaxed);
    instance.signal(Signal::KILL);
    instance.died(starts, Duration::from_secs(5)).await;
    back(number, instance).await?;
    Ok(format!("instance {number}"))
}

pub(super) async fn stop(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let (number, instance, _turn) = pick(stage, random).await?;
    let length = Duration::from_secs_f64((5.0 * stage.scale).max(2.0));
    let unrest = &stage.shared.disturbed.stopped;
    unrest.begin();
    instance.signal(Signal::STOP);
    sleep(length).await;
    instance.signal(Signal::CONT);
    unrest.end(stage.shared.now());
    Ok(format!("instance {number} for {length:?}"))
}

pub(super) async fn rolling_restart(stage: &Stage) -> Result<String, Failed> {
    let world = &stage.shared.world;
    for (number, instance) in world.instances.iter().enumerate() {
        let _turn = world.turns[number].lock().await;
        back(number, instance).await?;
        let starts = instance.starts.load(Relaxed);
        instance.signal(Signal::TERM);
        if !instance.died(starts, Duration::from_secs(30)).await {
            return Err(format!("instance {number} did not end after SIGTERM").into());
        }
        back(number, instance).await?;
    }
    Ok(String::new())
}

pub(super) async fn clock_step(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let (number, instance, _turn) = pick(stage, random).await?;
    let by = if random.random_bool(0.5) {
        3_600_000
    } else {
        -3_600_000
    };
    let starts = instance.starts.load(Relaxed);
    let unrest = &stage.shared.disturbed.clock;
    unrest.begin();
    let mut ordered = instance.order(&format!("clock={by}"));
    sleep(Duration::from_secs(3)).await;
    // a restarted process already has the right time
    if instance.starts.load(Relaxed) == starts {
        ordered = ordered.and(instance.order(&format!("clock={}", -by)));
        // the process reads its orders every 20 ms
        sleep(Duration::from_millis(500)).await;
    }
    unrest.end(stage.shared.now());
    ordered?;
    Ok(format!("instance {number} by {by} ms"))
}

/// How many entries of each log retention keeps.
const KEPT: u64 = 300;

pub(super) async fn retention(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let (number, instance, _turn) = pick(stage, random).await?;
    // read the log before the cut, because the checker needs all of it; the lock keeps faults away from PostgreSQL
    let _postgres = stage.shared.world.postgres.lock().await;
    let mut truth = stage.truth.lock().await;
    truth.read_on(&stage.shared).await?;
    stage.shared.world.cuts.fetch_add(1, Relaxed);
    instance.order(&format!("retention={KEPT}"))?;
    sleep(Duration::from_millis(500)).await;
    Ok(format!("by instance {number}, {KEPT} entries of each log kept"))
}
