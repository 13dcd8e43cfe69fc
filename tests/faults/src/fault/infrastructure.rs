//! Faults of PostgreSQL, of Redis, and of the connections to them.

use crate::Failed;
use crate::stage::Stage;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rustix::process::Signal;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// `length` in seconds, multiplied by the run's scale; at least half a second, or `length` when that is shorter.
fn seconds(stage: &Stage, length: f64) -> Duration {
    Duration::from_secs_f64((length * stage.scale).max(length.min(0.5)))
}

fn disturbed(stage: &Stage) {
    stage.shared.disturbed.redis.touch(stage.shared.now());
}

pub(super) async fn redis_killed(stage: &Stage, length: f64) -> Result<String, Failed> {
    let mut redis = stage.shared.world.redis.lock().await;
    // one second needs no scaling
    let length = if length > 1.0 {
        seconds(stage, length)
    } else {
        Duration::from_secs_f64(length)
    };
    disturbed(stage);
    redis.kill().await?;
    keep_disturbed(stage, length).await;
    redis.run().await?;
    disturbed(stage);
    Ok(format!("for {length:?}"))
}

/// Waits, and records meanwhile that Redis is disturbed.
async fn keep_disturbed(stage: &Stage, length: Duration) {
    let end = Instant::now() + length;
    while Instant::now() < end {
        disturbed(stage);
        sleep(Duration::from_millis(100).min(end - Instant::now())).await;
    }
}

pub(super) async fn redis_stopped(stage: &Stage) -> Result<String, Failed> {
    let redis = stage.shared.world.redis.lock().await;
    let length = seconds(stage, 20.0);
    redis.signal(Signal::STOP);
    keep_disturbed(stage, length).await;
    redis.signal(Signal::CONT);
    disturbed(stage);
    Ok(format!("for {length:?}"))
}

pub(super) fn subscriber_cut(stage: &Stage) -> String {
    disturbed(stage);
    stage.shared.world.redis_proxy.controls.cut(true);
    String::new()
}

pub(super) async fn redis_noise(stage: &Stage) -> Result<String, Failed> {
    let _redis = stage.shared.world.redis.lock().await;
    let controls = &stage.shared.world.redis_proxy.controls;
    let count = || controls.noises.each_ref().map(|count| count.load(Relaxed));
    let before = count();
    controls.noise.store(true, Relaxed);
    let length = seconds(stage, 10.0).max(Duration::from_secs(3));
    keep_disturbed(stage, length).await;
    controls.noise.store(false, Relaxed);
    disturbed(stage);
    let after = count();
    let [lost, doubled, shuffled] = [0, 1, 2].map(|at| after[at] - before[at]);
    Ok(format!(
        "for {length:?}: {lost} lost, {doubled} doubled, {shuffled} shuffled"
    ))
}

pub(super) async fn redis_stalled(stage: &Stage) -> Result<String, Failed> {
    let _redis = stage.shared.world.redis.lock().await;
    let length = seconds(stage, 6.0).max(Duration::from_secs(2));
    stage.shared.world.redis_proxy.controls.stall(true);
    keep_disturbed(stage, length).await;
    stage.shared.world.redis_proxy.controls.stall(false);
    disturbed(stage);
    Ok(format!("for {length:?}"))
}

pub(super) async fn postgres_ended(stage: &Stage, how: Signal) -> Result<String, Failed> {
    let mut postgres = stage.shared.world.postgres.lock().await;
    let (began, from) = (Instant::now(), stage.shared.now());
    let unrest = &stage.shared.disturbed.postgres;
    unrest.begin();
    let ended = postgres.end(how).await;
    let started = postgres.run().await;
    unrest.end(stage.shared.now());
    stage.out(from);
    ended?;
    started?;
    Ok(format!("down for {:?}", began.elapsed()))
}

pub(super) fn postgres_cut(stage: &Stage) -> String {
    stage.shared.disturbed.postgres.touch(stage.shared.now());
    stage.shared.world.postgres_proxy.controls.cut(false);
    String::new()
}

pub(super) async fn postgres_stalled(stage: &Stage) -> Result<String, Failed> {
    let _postgres = stage.shared.world.postgres.lock().await;
    let length = seconds(stage, 3.0).max(Duration::from_secs(1));
    let (from, unrest) = (stage.shared.now(), &stage.shared.disturbed.postgres);
    unrest.begin();
    stage.shared.world.postgres_proxy.controls.stall(true);
    sleep(length).await;
    stage.shared.world.postgres_proxy.controls.stall(false);
    unrest.end(stage.shared.now());
    stage.out(from);
    Ok(format!("for {length:?}"))
}

/// How long an instance may take to find out that its connections are dead, and to replace them.
const FOUND_OUT: Duration = Duration::from_secs(8);

pub(super) async fn postgres_forgotten(stage: &Stage) -> Result<String, Failed> {
    // not while PostgreSQL is down: what is forgotten then was dead before
    let _postgres = stage.shared.world.postgres.lock().await;
    let unrest = &stage.shared.disturbed.postgres;
    unrest.begin();
    stage.shared.world.postgres_proxy.controls.forget();
    sleep(FOUND_OUT).await;
    unrest.end(stage.shared.now());
    Ok(String::new())
}

pub(super) async fn commit_swallowed(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let controls = &stage.shared.world.postgres_proxy.controls;
    let times = random.random_range(1..=4);
    let before = controls.swallowed.load(Relaxed);
    controls.swallow.store(times, Relaxed);
    let deadline = Instant::now() + Duration::from_secs(10);
    while controls.swallow.load(Relaxed) > 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(10)).await;
    }
    controls.swallow.store(0, Relaxed);
    Ok(format!("{} times", controls.swallowed.load(Relaxed) - before))
}
