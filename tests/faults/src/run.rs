//! A run from beginning to end: world, load, faults, calm, checks.

use crate::Failed;
use crate::check::{operations, readers, sessions, state, work};
use crate::fault::plan::{self, Diary, Planned};
use crate::fault::{Kind, POINTS, restore};
use crate::load::files;
use crate::load::follower::{self, Followed};
use crate::load::reader::{self, Sightings};
use crate::load::record::Operation;
use crate::load::{Phase, Shared};
use crate::options::Options;
use crate::report::{self, Sums};
use crate::stage::{Crew, Size, Stage};
use crate::sweep;
use crate::truth::{self, Tables};
use crate::usage;
use crate::verdict::Invariant;
use crate::world::World;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How long operations may still wait for their answers, once every instance serves.
const ANSWERS: Duration = Duration::from_mins(1);

/// Runs the fault test. Returns whether every invariant held and every fault could be injected.
pub(crate) async fn run(options: Options) -> Result<bool, Failed> {
    let seed = options.seed.unwrap_or_else(rand::random);
    let logs = artifacts(&options)?;
    let folder = tempfile::Builder::new().prefix("taskwire-chaos.").tempdir()?;
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    println!("seed {seed}\nlogs and records in {}", logs.display());
    let server = options
        .server
        .clone()
        .ok_or("--server is missing; run tests/chaos, which sets it")?;
    let bin = options
        .postgres_bin
        .clone()
        .ok_or("--postgres-bin is missing; run tests/chaos, which sets it")?;
    let world = World::start(&server, &bin, folder.path(), &logs, options.instances, seed).await?;
    let world = Arc::new(world);
    let outcome = test(&options, &world, &logs, seed).await;
    world.end().await;
    outcome
}

/// Everything between the start and the end of the servers.
async fn test(options: &Options, world: &Arc<World>, logs: &Path, seed: u64) -> Result<bool, Failed> {
    let size = Size {
        workspaces: options.workspaces,
        sockets: options.sockets,
        scale: options.scale(),
    };
    let (stage, crew) = Stage::start(world.clone(), size, seed).await?;
    let missing = reader::connected(&stage.desks, Duration::from_mins(1)).await;
    println!("{} clients connected, {missing} not", stage.desks.len() - missing);

    let began = Instant::now();
    let diary = Arc::new(Diary::default());
    let progress = tokio::spawn(report::progress(stage.clone(), diary.clone()));
    let length = Duration::from_secs_f64(options.minutes * 60.0);
    // with --each the length of the run is not known: feed at the same pace for long enough
    let rounds = if options.each { 100 } else { 1 };
    let feeder = tokio::spawn(feed(
        stage.shared.clone(),
        options.mutations * rounds,
        length * rounds as u32,
    ));
    if options.each {
        each(&stage, &diary, &plan::kinds(&options.only), seed).await?;
    } else {
        let plan = plan::draw(&plan::kinds(&options.only), options.faults, seed);
        diary.carry_out(&stage, plan, length).await;
        // let writers invoke the rest of the mutations when faults have delayed them
        while began.elapsed() < length.mul_f64(1.5)
            && (began.elapsed() < length || stage.shared.budget.load(Relaxed) > 0)
        {
            sleep(Duration::from_millis(50)).await;
        }
    }
    feeder.abort();
    progress.abort();
    let lasted = began.elapsed();
    let sums = finish(&stage, crew, options.only.is_empty(), logs).await?;
    let panics = report::panics(logs)?;
    report::table(&stage, &diary, &sums, &panics, lasted, seed);
    if !diary
        .trouble
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_empty()
    {
        return Ok(false);
    }
    Ok(stage.shared.verdicts.violations() == 0 && panics.is_empty())
}

fn artifacts(options: &Options) -> Result<PathBuf, Failed> {
    if let Some(folder) = &options.artifacts {
        std::fs::create_dir_all(folder)?;
        return Ok(folder.clone());
    }
    Ok(tempfile::Builder::new()
        .prefix("taskwire-chaos-logs.")
        .tempdir()?
        .keep())
}

/// Gives writers a budget of `mutations`, evenly over `length`.
async fn feed(shared: Arc<Shared>, mutations: u64, length: Duration) {
    let began = Instant::now();
    let mut tick = interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut given = 0;
    while given < mutations {
        tick.tick().await;
        let share = (began.elapsed().as_secs_f64() / length.as_secs_f64()).min(1.0);
        let due = (mutations as f64 * share) as u64;
        shared.budget.fetch_add(due - given, Relaxed);
        given = due;
    }
}

/// Injects every kind alone under load. After each, waits until all clients are at the head.
async fn each(stage: &Arc<Stage>, diary: &Diary, kinds: &[Kind], seed: u64) -> Result<(), Failed> {
    // an instance dies at each fail point, in their order
    let mut kinds = kinds.to_vec();
    if kinds.contains(&Kind::KillAtPoint) {
        kinds.retain(|kind| *kind != Kind::KillAtPoint);
        kinds.splice(0..0, [Kind::KillAtPoint; POINTS]);
    }
    for (number, kind) in kinds.iter().enumerate() {
        stage.shared.pause.store(false, Relaxed);
        sleep(Duration::from_millis(1500)).await;
        let fault = Planned {
            at: 0.0,
            kind: *kind,
            seed: seed.wrapping_add(number as u64),
        };
        diary.inject(stage, &fault).await;
        sleep(Duration::from_millis(500)).await;
        stage.shared.pause.store(true, Relaxed);
        calm(stage, &kind.name()).await?;
    }
    stage.shared.pause.store(false, Relaxed);
    Ok(())
}

/// No fault is active and nobody writes: now every instance must serve, and all clients must reach the head.
async fn calm(stage: &Stage, when: &str) -> Result<(), Failed> {
    let verdicts = &stage.shared.verdicts;
    if !stage.all_ready().await {
        verdicts.violated(
            Invariant::I7,
            format!("{when}: an instance is not ready after 90 s"),
        );
    }
    if !stage.all_answered(ANSWERS).await {
        let pending = stage.shared.pending.load(Relaxed);
        verdicts.violated(
            Invariant::I7,
            format!("{when}: {pending} operations have no answer after {ANSWERS:?}"),
        );
    }
    stage.at_head_in_time(when).await?;
    files::read_all(&stage.shared, when).await;
    Ok(())
}

/// Ends a run: waits until all clients are at the head, then runs every check.
async fn finish(stage: &Arc<Stage>, crew: Crew, with_restore: bool, logs: &Path) -> Result<Sums, Failed> {
    let shared = &stage.shared;
    let verdicts = &shared.verdicts;
    stage.enter(Phase::Settle);
    calm(stage, "after the last fault").await?;
    println!("checking");
    let mut invoked: Vec<Operation> = Vec::new();
    for writer in crew.writers {
        invoked.extend(writer.await?);
    }
    let sweeping = tokio::spawn(sweep::sweep(shared.clone()));
    let mut ended = Vec::new();
    for visitor in crew.visitors {
        ended.extend(visitor.await?);
    }
    sessions::ended(&ended, verdicts);
    // sign-ins are in the log too: nothing may be written while it is compared with the tables
    let still = shared.tokens.write().await;
    invoked.append(&mut stage.operations.lock().unwrap_or_else(PoisonError::into_inner));
    // and jobs go on
    let mut link = truth::still(&shared.world.database).await?;
    stage.truth.lock().await.read_with(shared, &mut link).await?;
    let tables = Tables::read(&mut link).await?;
    drop((still, link));
    let unwritable;
    {
        let truth = stage.truth.lock().await;
        operations::acknowledged(&invoked, &truth, verdicts);
        operations::whole(&invoked, &truth, &tables.ops, verdicts);
        operations::order(&invoked, verdicts);
        let outages = stage
            .outages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let lag = shared.disturbed.lag.load(Relaxed);
        unwritable = operations::writable(&invoked, &outages, lag, verdicts);
        state::heads(&truth, &tables, verdicts);
        state::tables(&truth, &tables, verdicts);
        let kept = shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        work::done(&kept, &tables, verdicts);
        work::uploads(&kept, &tables, verdicts);
    }
    snapshots(stage).await?;
    sweeping.await??;
    if with_restore {
        println!("restoring an older backup");
        restore::restore(stage).await?;
    }
    let after = restore::truth_after(stage).await?;
    let (sightings, followed) = dismiss(stage, crew.readers, crew.followers).await?;
    let truth = stage.truth.lock().await;
    readers::content(&sightings, &truth, 0, verdicts);
    if with_restore {
        readers::content(&sightings, &after, 1, verdicts);
    }
    let mut removals = std::mem::take(&mut *stage.removals.lock().unwrap_or_else(PoisonError::into_inner));
    removals.sort_unstable_by_key(|removal| removal.seq);
    readers::removals(&sightings, &removals, verdicts);
    let usage = usage::back_at_base(&shared.world, &stage.base, verdicts).await;
    if verdicts.violations() > 0 {
        report::records(logs, &invoked, &ended)?;
    }
    Ok(Sums {
        operations: invoked.len(),
        ended: ended.len(),
        kinds: report::kinds(&invoked),
        unwritable,
        entries: truth.entries,
        usage,
        base: stage.base.clone(),
        gaps: followed.iter().map(|followed| followed.gaps).sum(),
    })
}

/// I5: fresh snapshots of a few users from every instance equal the log.
async fn snapshots(stage: &Stage) -> Result<(), Failed> {
    let truth = stage.truth.lock().await;
    for (number, instance) in stage.shared.world.instances.iter().enumerate() {
        let users = &stage.accounts.users;
        for user in [&users[number % users.len()], &users[(number + 3) % users.len()]] {
            let fresh = follower::fresh(user, &instance.address()).await?;
            state::snapshot(&truth, &fresh, &stage.shared.verdicts);
        }
    }
    Ok(())
}

/// Ends all clients. I5: the replica of each follower equals a fresh one.
async fn dismiss(
    stage: &Stage,
    readers: Vec<tokio::task::JoinHandle<Sightings>>,
    followers: Vec<tokio::task::JoinHandle<Followed>>,
) -> Result<(Vec<Sightings>, Vec<Followed>), Failed> {
    stage.enter(Phase::Over);
    let (mut sightings, mut followed) = (Vec::new(), Vec::new());
    for reader in readers {
        sightings.push(reader.await?);
    }
    for follower in followers {
        let kept = follower.await?;
        let who = &kept.user.username;
        if let Some(why) = &kept.stopped {
            stage
                .shared
                .verdicts
                .violated(Invariant::I5, format!("the client of {who} stopped: {why}"));
        }
        let address = stage.shared.world.instances[0].address();
        let fresh = follower::fresh(&kept.user, &address).await?;
        state::replica(&kept.replica, &fresh, who, &stage.shared.verdicts);
        followed.push(kept);
    }
    Ok((sightings, followed))
}
