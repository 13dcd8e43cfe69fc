//! The writers' queue, bounded and drained in groups. An idle server adds no delay: a group is what has come while the
//! one before was committed. Here a single writer drains it, one group at a time; `lanes` does it with several.

use super::Reply;
use super::group::{Shared, Writer};
use super::job::Job;
use super::lanes;
use super::line::{Closed, Line};
use crate::store::{StoreError, Transaction};
use futures_util::FutureExt;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait; further ones stand in `line`.
const QUEUE: usize = 1024;
/// Mutations of a group.
pub(super) const GROUP: usize = 64;
/// A group waits for company at most this long,
const LONGEST: Duration = Duration::from_millis(4);
/// and not when nobody came, and nothing ran, for this long.
const QUIET: Duration = Duration::from_micros(200);
/// A turn of the scheduler in which nothing ran is shorter.
const TURN: Duration = Duration::from_micros(40);

/// Work of the server's own on the writer's connection: retention and the like, in short steps.
pub trait Chore: Send + 'static {
    /// What it comes to.
    type Output: Send + 'static;

    /// It makes room: a full database is no reason not to run it.
    const FREES: bool = false;

    /// Runs inside a transaction that commits when this succeeds.
    fn run<'a>(
        self,
        tx: &'a mut Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Output, StoreError>> + Send + 'a>>;
}

pub(super) type Errand =
    Box<dyn for<'a> FnOnce(&'a mut Transaction) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send>;

pub(super) enum Item {
    Job(Box<Job>),
    Chore(Errand),
    /// Everything before it is done.
    Stop(oneshot::Sender<()>),
}

/// The way into the queue.
pub struct Lane(pub(super) Arc<Line>);

impl Lane {
    /// Starts as many writers as the database takes, `wanted` at most.
    pub(super) fn start(shared: Shared, wanted: usize) -> Lane {
        let (sender, queue) = mpsc::channel(QUEUE);
        match shared.store.writers(wanted) {
            0 | 1 => drop(tokio::spawn(drain(queue, shared))),
            several => drop(tokio::spawn(lanes::drain(
                queue,
                shared,
                several.min(lanes::MOST),
            ))),
        }
        Lane(Line::new(sender))
    }

    /// Takes a place in the queue, or in the line before it, at the first poll, and waits for the answer. What is in the
    /// queue is done even when nobody waits any more; what is in the line is not.
    pub(super) async fn submit(&self, mut job: Box<Job>) -> Result<Reply, Failure> {
        let asked = job.ask();
        let _place = self.0.enter(Item::Job(job)).map_err(|Closed| stopping())?;
        asked.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Runs a chore between groups.
    pub async fn chore<C: Chore>(&self, chore: C) -> Result<C::Output, Failure> {
        let (answer, asked) = oneshot::channel();
        let errand: Errand = Box::new(move |tx| {
            Box::pin(async move {
                let _ = answer.send(transaction(tx, chore).await);
            })
        });
        let _place = self.0.enter(Item::Chore(errand)).map_err(|Closed| stopping())?;
        Ok(asked.await.map_err(|_| stopping())??)
    }

    /// Waits until everything that is queued now is done, and ends the writer.
    pub async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        if let Ok(_place) = self.0.enter(Item::Stop(done)) {
            let _ = wait.await;
        }
    }
}

async fn transaction<C: Chore>(tx: &mut Transaction, chore: C) -> Result<C::Output, StoreError> {
    let outcome = async {
        if C::FREES {
            tx.begin_stretched().await?;
        } else {
            tx.begin().await?;
        }
        let output = chore.run(tx).await?;
        tx.commit().await?;
        Ok(output)
    };
    let outcome = outcome.await;
    if outcome.is_err() {
        tx.rollback().await;
        tx.disconnect();
    }
    outcome
}

fn stopping() -> Failure {
    Failure::new(ErrorCode::Unavailable, "the server is stopping; reconnect").after(1000)
}

async fn drain(mut queue: mpsc::Receiver<Item>, shared: Shared) {
    let mut writer = Writer::new(shared.clone());
    let mut waiting: VecDeque<Item> = VecDeque::with_capacity(GROUP);
    let mut received = Vec::with_capacity(GROUP);
    let mut last = Last::default();
    loop {
        if waiting.len() < GROUP {
            let room = GROUP - waiting.len();
            // what is there already goes into the group; only an empty lane waits
            if waiting.is_empty() && queue.recv_many(&mut received, room).await == 0 {
                return;
            }
            last.company(&mut queue, &mut received, room, waiting.len()).await;
            waiting.extend(received.drain(..));
        }
        let broke = match waiting.pop_front() {
            Some(Item::Job(job)) => {
                let jobs = gather(job, &mut waiting);
                metrics::histogram!("taskwire_group_size").record(jobs.len() as f64);
                let (size, began) = (jobs.len(), Instant::now());
                let broke = breaks(writer.run(jobs)).await;
                last = Last::new(size, began.elapsed());
                broke
            }
            Some(Item::Chore(errand)) => breaks(errand(&mut writer.tx)).await,
            Some(Item::Stop(done)) => {
                queue.close();
                let _ = done.send(());
                return;
            }
            None => false,
        };
        if broke {
            tracing::error!("a group broke off; its writer begins afresh");
            // it may have committed
            shared.sessions.outdate();
            writer = Writer::new(shared.clone());
        }
    }
}

/// Whether work on the writer panics. Without the only writer nothing would ever be written again.
async fn breaks(work: impl Future<Output = ()>) -> bool {
    // what it leaves half done is not looked at any more: the writer is replaced, connection and all
    AssertUnwindSafe(work).catch_unwind().await.is_err()
}

/// The group before. Those whom it answered are about to ask again: a group that began with the first of them would
/// leave the others to wait for a whole commit. So the next one waits for as many, at most half as long as the last one
/// took, and goes when nobody came for a moment. After a single job it does not wait at all.
#[derive(Default)]
pub(super) struct Last {
    jobs: usize,
    wait: Duration,
}

impl Last {
    pub(super) fn new(jobs: usize, took: Duration) -> Last {
        let wait = if jobs > 1 {
            (took / 2).min(LONGEST)
        } else {
            Duration::ZERO
        };
        Last { jobs, wait }
    }

    /// Takes what is there, and waits a moment for the rest.
    pub(super) async fn company(
        &self,
        queue: &mut mpsc::Receiver<Item>,
        received: &mut Vec<Item>,
        room: usize,
        waiting: usize,
    ) {
        let began = Instant::now();
        let mut idle = Duration::ZERO;
        loop {
            let before = received.len();
            while received.len() < room {
                let Ok(item) = queue.try_recv() else { break };
                received.push(item);
            }
            let now = Instant::now();
            let enough = received.len() >= room || received.len() + waiting >= self.jobs;
            if enough || now - began >= self.wait || idle >= QUIET {
                return;
            }
            // others run, and the sockets are polled; a turn that took long was somebody's work, perhaps an answer's
            tokio::task::yield_now().await;
            let turn = now.elapsed();
            idle = if turn > TURN || received.len() > before {
                Duration::ZERO
            } else {
                idle + turn
            };
        }
    }
}

/// The jobs that share a transaction: in order and of one kind, up to a chore, up to the group's size; one that needs a
/// group of its own gets it.
fn gather(first: Box<Job>, waiting: &mut VecDeque<Item>) -> Vec<Job> {
    let (kind, mut weight) = (first.kind, first.weight());
    let mut jobs = vec![*first];
    if jobs[0].needs.alone {
        return jobs;
    }
    while let Some(Item::Job(next)) = waiting.front() {
        weight += next.weight();
        if weight > GROUP || next.kind != kind || next.needs.alone {
            break;
        }
        if let Some(Item::Job(next)) = waiting.pop_front() {
            jobs.push(*next);
        }
    }
    jobs
}
