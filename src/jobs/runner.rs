//! The runner of an instance claims jobs that are due, runs them, and sleeps until the next job is due. It wakes at
//! once when this instance enqueues a job. Other instances run the jobs that they enqueue. The runner also polls the
//! table, for jobs of instances that died.

use super::kind::{Kind, Schedule};
use super::outcome::{Outcome, record};
use super::run::Run;
use crate::config::Settings;
use crate::engine::{Chore, Engine};
use crate::store::jobs::{self, Ahead, Claim, Claimed, NewJob};
use crate::store::{StoreError, Transaction};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use taskwire_protocol::Failure;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

/// The longest time between two polls of the table, if other instances write to it.
const SHARED_POLL: Duration = Duration::from_secs(5);
/// The longest time between two polls, if only this instance writes to the table.
const LONE_POLL: Duration = Duration::from_mins(1);
/// The time to the next poll after another instance claimed the jobs that were due.
const TAKEN: Duration = Duration::from_millis(500);
/// The shortest time between two checks for recurring jobs that an operator dropped.
const ENSURE: Duration = Duration::from_secs(30);

/// Runs jobs until it is stopped.
pub struct Runner {
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

struct Shared {
    engine: Engine,
    settings: Arc<Settings>,
    kinds: &'static [Kind],
    /// How many jobs of each kind run now.
    busy: Vec<AtomicUsize>,
    stopping: CancellationToken,
}

impl Runner {
    /// Starts to run jobs of these kinds. Jobs of other kinds stay in the table for a newer version that knows them.
    pub fn start(engine: &Engine, settings: &Arc<Settings>, kinds: &'static [Kind]) -> Runner {
        let stopping = CancellationToken::new();
        let shared = Arc::new(Shared {
            engine: engine.clone(),
            settings: settings.clone(),
            kinds,
            busy: kinds.iter().map(|_| AtomicUsize::new(0)).collect(),
            stopping: stopping.clone(),
        });
        let task = tokio::spawn(shared.run_jobs());
        Runner { stopping, task }
    }

    /// Ends every run and releases its job, so that another instance need not wait until the claim expires. Takes at
    /// most `patience`. Returns whether all were released.
    pub async fn stop(mut self, patience: Duration) -> bool {
        self.stopping.cancel();
        // an unavailable database must not prevent the stop; claims also expire
        timeout(patience, &mut self.task).await.is_ok()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

impl Shared {
    fn names(&self) -> Vec<&'static str> {
        self.kinds.iter().map(|kind| kind.name).collect()
    }

    /// How many more jobs of a kind may run now.
    fn room_of(&self, at: usize) -> usize {
        let busy = self.busy.get(at).map_or(0, |busy| busy.load(Ordering::Relaxed));
        self.kinds
            .get(at)
            .map_or(0, |kind| kind.at_once.saturating_sub(busy))
    }

    /// What may be claimed now: kinds, and how many of their jobs. Kinds with a bound of their own are claimed one by one.
    fn claimable(&self, room: usize) -> Vec<(Vec<&'static str>, usize)> {
        let (mut free, mut all) = (Vec::new(), Vec::new());
        for (at, kind) in self.kinds.iter().enumerate() {
            match (kind.at_once, self.room_of(at)) {
                (usize::MAX, _) => free.push(kind.name),
                (_, 0) => {}
                (_, left) => all.push((vec![kind.name], left.min(room))),
            }
        }
        if !free.is_empty() {
            all.insert(0, (free, room));
        }
        all
    }

    async fn run_jobs(self: Arc<Self>) {
        for kind in self.kinds {
            metrics::gauge!("taskwire_jobs_running", "kind" => kind.name).set(0.0);
        }
        let mut running = JoinSet::new();
        let mut ensure_at = Instant::now();
        loop {
            // now and then, because an operator may have dropped one
            if ensure_at <= Instant::now() && self.make_recurring().await.is_ok() {
                ensure_at = Instant::now() + ENSURE;
            }
            let pause = self.poll_table(&mut running).await;
            tokio::select! {
                () = self.stopping.cancelled() => break,
                () = self.engine.job_enqueued() => {}
                Some(_) = running.join_next(), if !running.is_empty() => {}
                () = sleep(pause) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Claims and starts jobs that are due, as many as may run at once. Returns how long to sleep afterwards.
    async fn poll_table(self: &Arc<Self>, running: &mut JoinSet<()>) -> Duration {
        let poll = if self.engine.is_shared() {
            SHARED_POLL
        } else {
            LONE_POLL
        };
        // jitter, so that instances do not poll at the same moment
        let poll = poll.mul_f64(rand::random_range(0.8..1.2));
        let room = self.settings.job_concurrency.saturating_sub(running.len());
        if room == 0 {
            return poll; // the end of a run wakes the runner earlier
        }
        let claimable = self.claimable(room);
        if claimable.is_empty() {
            return poll;
        }
        let kinds = claimable.iter().flat_map(|(kinds, _)| kinds).copied().collect();
        let Ok(ahead) = self.engine.jobs_ahead(kinds).await else {
            return poll;
        };
        self.count(&ahead);
        match ahead.next_ms {
            Some(next) if next > 0 => poll.min(Duration::from_millis(next as u64)),
            None => poll,
            Some(_) => match self.claim(claimable, room, running).await {
                Ok(0) => TAKEN,
                Ok(_) => Duration::ZERO,
                Err(_) => poll,
            },
        }
    }

    fn count(&self, ahead: &Ahead) {
        metrics::gauge!("taskwire_jobs_pending").set(ahead.pending as f64);
        for kind in self.kinds {
            let number = |of: &[(String, i64)]| {
                let found = of.iter().find(|(name, _)| name == kind.name);
                found.map_or(0, |(_, number)| *number) as f64
            };
            metrics::gauge!("taskwire_jobs_dead", "kind" => kind.name).set(number(&ahead.dead));
            metrics::gauge!("taskwire_jobs_waiting", "kind" => kind.name).set(number(&ahead.waiting));
        }
    }

    /// Inserts the recurring jobs that are missing in the table.
    async fn make_recurring(&self) -> Result<(), Failure> {
        let existing = self.engine.existing_jobs(self.names()).await?;
        for kind in self.kinds {
            if let Schedule::Every { first, .. } = kind.schedule
                && !existing.iter().any(|name| name == kind.name)
            {
                let job = NewJob::recurring(kind.name, first);
                self.engine.chore(Ensure(job)).await?;
            }
        }
        Ok(())
    }

    /// Claims up to `room` jobs and starts them. Returns their number.
    async fn claim(
        self: &Arc<Self>,
        claimable: Vec<(Vec<&'static str>, usize)>,
        room: usize,
        running: &mut JoinSet<()>,
    ) -> Result<usize, Failure> {
        let mut number = 0;
        for (kinds, most) in claimable {
            let limit = most.min(room - number);
            if limit == 0 {
                break;
            }
            let asked = Instant::now();
            let claimed = self
                .engine
                .chore(ClaimDue {
                    kinds,
                    holder: self.settings.instance.clone(),
                    token: self.engine.claim_token(),
                    term: self.settings.lease,
                    limit: limit as i64,
                })
                .await?;
            number += claimed.len();
            for job in claimed {
                self.begin(job, asked, running);
            }
        }
        Ok(number)
    }

    fn begin(self: &Arc<Self>, job: Claimed, asked: Instant, running: &mut JoinSet<()>) {
        let known = self.kinds.iter().zip(&self.busy);
        let Some((kind, busy)) = known.into_iter().find(|(kind, _)| kind.name == job.claim.kind) else {
            return; // cannot happen: only these kinds are claimed
        };
        let span = tracing::info_span!(
            "job",
            job.kind = kind.name,
            job.key = job.claim.key,
            job.attempt = job.attempt
        );
        busy.fetch_add(1, Ordering::Relaxed);
        running.spawn(self.clone().carry_out(kind, job, asked).instrument(span));
    }

    /// Runs a job and records the outcome.
    async fn carry_out(self: Arc<Self>, kind: &'static Kind, job: Claimed, asked: Instant) {
        let running = metrics::gauge!("taskwire_jobs_running", "kind" => kind.name);
        running.increment(1.0);
        let (claim, attempt) = (job.claim.clone(), u32::try_from(job.attempt).unwrap_or(u32::MAX));
        let began = Instant::now();
        let outcome = tokio::select! {
            // the attempt first: the last transaction of a run that ended removes the claim, which must not count as
            // lost
            biased;
            outcome = self.attempt(kind, job, attempt) => outcome,
            () = self.stopping.cancelled() => Outcome::Stopped,
            () = self.keep(&claim, asked) => Outcome::Lost,
        };
        let (name, seconds) = (outcome.name(), began.elapsed().as_secs_f64());
        metrics::histogram!("taskwire_job_seconds", "kind" => kind.name).record(seconds);
        metrics::counter!("taskwire_jobs_total", "kind" => kind.name, "outcome" => name).increment(1);
        record(&self.engine, kind, &claim, attempt, outcome).await;
        running.decrement(1.0);
        if let Some(at) = self.kinds.iter().position(|other| other.name == kind.name) {
            self.busy[at].fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn attempt(&self, kind: &'static Kind, job: Claimed, attempt: u32) -> Outcome {
        if attempt > 1 && kind.schedule.is_over(attempt - 1) {
            // the job's code does not run; without this call no later change would enqueue the index of words again
            self.engine.words_job_begins();
            return Outcome::Failed(
                "in every attempt the instance died or hung before the run ended".to_owned(),
            );
        }
        let run = Run {
            engine: self.engine.clone(),
            settings: self.settings.clone(),
            claim: job.claim,
            again: kind.schedule.interval(),
            lost: Arc::default(),
        };
        let lost = run.lost.clone();
        let work = AssertUnwindSafe(async { (kind.start)(run, &job.payload).await }).catch_unwind();
        match timeout(kind.limit, work).await {
            Ok(Ok(Ok(_ended))) => Outcome::Ended,
            Ok(Ok(Err(_))) if lost.load(Ordering::Relaxed) => Outcome::Lost,
            Ok(Ok(Err(failure))) => Outcome::Failed(failure.message),
            Ok(Err(_panic)) => {
                Outcome::Failed("the run panicked; the server's log has the reason".to_owned())
            }
            Err(_) => Outcome::Failed(format!("the run took longer than {} s", kind.limit.as_secs())),
        }
    }

    /// Renews a claim until it is lost. The term is counted from before the request to the database, so the claim never
    /// expires later here than there.
    async fn keep(&self, claim: &Claim, asked: Instant) {
        let term = self.settings.lease;
        let mut until = asked + term;
        loop {
            sleep_until((Instant::now() + term / 3).min(until)).await;
            let asked = Instant::now();
            let renewed = self.engine.chore(Renew(claim.clone(), term));
            match timeout_at(until, renewed).await {
                Ok(Ok(true)) => until = asked + term,
                // the database is unavailable: other instances cannot claim the job either
                Ok(Err(_)) if Instant::now() < until => {}
                Ok(_) | Err(_) => return,
            }
        }
    }
}

struct Ensure(NewJob);

impl Chore for Ensure {
    type Output = ();
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        jobs::ensure(tx, &self.0).await
    }
}

struct ClaimDue {
    kinds: Vec<&'static str>,
    holder: String,
    token: Uuid,
    term: Duration,
    limit: i64,
}

impl Chore for ClaimDue {
    type Output = Vec<Claimed>;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<Vec<Claimed>, StoreError> {
        for (kind, holder) in jobs::expire(tx, self.limit).await? {
            tracing::warn!(
                job.kind = kind,
                instance = holder,
                "the claim on a job expired; the job runs again"
            );
        }
        let claimant = (&*self.holder, self.token);
        jobs::claim(tx, &self.kinds, claimant, self.term, self.limit).await
    }
}

struct Renew(Claim, Duration);

impl Chore for Renew {
    type Output = bool;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        jobs::renew(tx, &self.0, self.1).await
    }
}
