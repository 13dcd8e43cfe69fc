//! One group of mutations in one transaction: load → decide → write → commit; then publish and answer. An error of the
//! database leaves nothing behind, and each mutation gets its chance again alone.

use super::Reply;
use super::allowed;
use super::answer::{Done, Verdict, answers};
use super::job::{Batch, Job, Step, Work, unknown_outcome, within};
use super::known::Sessions;
use super::load::{self, Memory};
use super::members::MemberCache;
use super::write::{self, Placed};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::live::{Frame, Hub, Published};
use crate::ops::world::{Members, World};
use crate::ops::{self, Act, Caller, Target};
use crate::store::{Group, StoreError, Trouble};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure, OpId, StreamId, Timestamp, UserId, WorkspaceId};

/// How often a group runs again when another transaction was in the way or the connection had broken.
const TRIES: u32 = 6;

/// The writer: its connection and what it keeps between groups.
pub(super) struct Writer {
    pub(super) group: Group,
    cache: MemberCache,
    hub: Arc<Hub>,
    sessions: Arc<Sessions>,
    clock: Clock,
    ids: Arc<Ids>,
}

/// An error of the database, and whether the commit had been sent.
struct Fault {
    error: StoreError,
    committing: bool,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault {
            error,
            committing: false,
        }
    }
}

/// A committed group.
struct Committed {
    replies: Vec<Result<Reply, Failure>>,
    placed: Vec<Placed>,
    forgotten: Vec<StreamId>,
    members: Vec<(WorkspaceId, Arc<Members>)>,
    /// Accounts, sessions or memberships changed.
    outdates: bool,
}

impl Writer {
    pub(super) fn new(
        group: Group,
        hub: Arc<Hub>,
        sessions: Arc<Sessions>,
        clock: Clock,
        ids: Arc<Ids>,
    ) -> Writer {
        Writer {
            group,
            cache: MemberCache::new(),
            hub,
            sessions,
            clock,
            ids,
        }
    }

    /// Does the jobs and answers each.
    pub(super) async fn run(&mut self, jobs: Vec<Job>) {
        let Err((jobs, error)) = self.run_together(jobs).await else {
            return;
        };
        if jobs.len() == 1 {
            let failure = ops::failed(&error);
            for job in jobs {
                job.answer(Err(failure.clone()));
            }
            return;
        }
        metrics::counter!("taskwire_groups_split_total").increment(1);
        for job in jobs {
            if let Err((alone, error)) = self.run_together(vec![job]).await {
                let failure = ops::failed(&error);
                for job in alone {
                    job.answer(Err(failure.clone()));
                }
            }
        }
    }

    /// Does the jobs in one transaction; gives back those that could not be done, with the reason.
    async fn run_together(&mut self, mut jobs: Vec<Job>) -> Result<(), (Vec<Job>, StoreError)> {
        let mut tries = 0;
        loop {
            let fault = match self.attempt(&jobs).await {
                Ok(committed) => {
                    self.finish(jobs, committed);
                    return Ok(());
                }
                Err(fault) => fault,
            };
            self.group.rollback().await;
            tries += 1;
            let trouble = fault.error.trouble;
            metrics::counter!("taskwire_group_errors_total", "trouble" => format!("{trouble:?}"))
                .increment(1);
            if trouble == Trouble::Unavailable {
                self.group.disconnect();
                if fault.committing {
                    // committed or not: an op_id will tell, nothing else can
                    jobs = answer_unknown(jobs);
                }
            }
            let again = match trouble {
                Trouble::Contended => tries < TRIES,
                Trouble::Unavailable => tries < 2 || (fault.committing && tries < TRIES),
                Trouble::Full => tries == 1 && makes_room(&jobs),
                Trouble::Taken | Trouble::Bug => false,
            };
            if trouble == Trouble::Full && again {
                self.group.stretch();
            }
            if jobs.is_empty() {
                return Ok(());
            }
            if !again {
                return Err((jobs, fault.error));
            }
            tokio::time::sleep(Duration::from_millis(rand::random_range(1..=1 << (2 + tries)))).await;
        }
    }

    async fn attempt(&mut self, jobs: &[Job]) -> Result<Committed, Fault> {
        let needs = load::needs(jobs);
        self.group.begin().await?;
        let (mut world, memory) = load::load(&mut self.group, &self.cache, jobs, &needs).await?;
        let now = Timestamp(self.clock.now_ms());
        let verdicts = self.decide(jobs, &mut world, &memory, now)?;
        let unchanged = world.is_unchanged();
        let (placed, forgotten) = if unchanged {
            (Vec::new(), Vec::new())
        } else {
            let forgotten = write::rows(&mut self.group, &world).await?;
            (write::place(&mut self.group, &world, now).await?, forgotten)
        };
        let (replies, memos) = answers(jobs, verdicts, &world, &placed);
        if unchanged && memos.is_empty() {
            self.group.rollback().await;
        } else {
            write::log_and_memory(&mut self.group, &world, &placed, &memos, now).await?;
            self.group.commit().await.map_err(|error| Fault {
                error,
                committing: true,
            })?;
        }
        Ok(Committed {
            replies,
            placed,
            forgotten,
            outdates: world.concerns_accounts(),
            members: world.changed_workspaces().collect(),
        })
    }

    /// Decides every job in its order, each seeing what the ones before it did.
    fn decide(
        &self,
        jobs: &[Job],
        world: &mut World,
        memory: &Memory,
        now: Timestamp,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut seen: HashMap<(UserId, OpId), i64> = HashMap::new();
        let mut verdicts = Vec::with_capacity(jobs.len());
        for job in jobs {
            let key = job.op_id.map(|op_id| (job.caller.user.id, op_id));
            let verdict = match recall(key, job.hash(), &seen, memory) {
                Some(verdict) => verdict,
                None => match &job.work {
                    Work::One(step) => self.one(step, &job.caller, job.op_id, world, now)?,
                    Work::Batch(batch) => self.batch(batch, job, world, memory, &mut seen, now)?,
                },
            };
            remember(key, job.hash(), &verdict, &mut seen);
            verdicts.push(verdict);
        }
        Ok(verdicts)
    }

    fn one(
        &self,
        step: &Step,
        caller: &Caller,
        op_id: Option<OpId>,
        world: &mut World,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let from = world.logged();
        let place = match authorize(step, caller, world) {
            Ok(place) => place,
            Err(failure) => return Ok(Verdict::Refused(failure)),
        };
        let act = Act {
            caller,
            now,
            ids: &self.ids,
            op_id,
            place,
        };
        match step.decide.decide(&act, world) {
            Ok(data) => Ok(Verdict::Done(Done {
                data,
                from,
                to: world.logged(),
            })),
            Err(_) if world.logged() != from => Err(StoreError::corrupt(format!(
                "{} changed the world and then refused",
                step.decide.name()
            ))),
            Err(failure) => Ok(Verdict::Refused(failure)),
        }
    }

    fn batch(
        &self,
        batch: &Batch,
        job: &Job,
        world: &mut World,
        memory: &Memory,
        seen: &mut HashMap<(UserId, OpId), i64>,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let before = batch.atomic.then(|| world.clone());
        let mut verdicts = Vec::with_capacity(batch.parts.len());
        for (i, part) in batch.parts.iter().enumerate() {
            let step = match &part.step {
                Ok(step) => step,
                Err(failure) => {
                    verdicts.push(Verdict::Refused(failure.clone()));
                    continue;
                }
            };
            let key = part.op_id.map(|op_id| (job.caller.user.id, op_id));
            let verdict = match recall(key, step.hash, seen, memory) {
                Some(Verdict::Refused(failure)) => Verdict::Refused(failure.at(format!("ops[{i}].op_id"))),
                Some(verdict) => verdict,
                None => match self.one(step, &job.caller, part.op_id.or(job.op_id), world, now)? {
                    Verdict::Refused(failure) => Verdict::Refused(within(failure, i)),
                    verdict => verdict,
                },
            };
            match (verdict, &before) {
                (Verdict::Refused(failure), Some(before)) => {
                    *world = before.clone();
                    return Ok(Verdict::Refused(failure));
                }
                (Verdict::Refused(failure), None) => verdicts.push(Verdict::Refused(failure)),
                (verdict, _) => {
                    remember(key, step.hash, &verdict, seen);
                    verdicts.push(verdict);
                }
            }
        }
        Ok(Verdict::Parts(verdicts))
    }

    /// After the commit: the caches, the live streams, the answers.
    fn finish(&self, jobs: Vec<Job>, committed: Committed) {
        for (workspace, members) in committed.members {
            self.cache.put(workspace, members);
        }
        if committed.outdates {
            self.sessions.outdate();
        }
        for stream in committed.forgotten {
            self.hub.forget(stream);
        }
        let published = committed.placed.iter().map(|placed| Published {
            stream: placed.stream,
            seq: placed.seq as u64,
            frame: Frame::from(&*placed.frame),
            removed: placed.removes,
        });
        self.hub.publish(published.collect());
        for (job, reply) in jobs.into_iter().zip(committed.replies) {
            metrics::histogram!("taskwire_mutation_wait_seconds").record(job.queued.elapsed().as_secs_f64());
            job.answer(reply);
        }
    }
}

/// Whether a full database is no reason to refuse this: it will be less full.
fn makes_room(jobs: &[Job]) -> bool {
    matches!(jobs, [job] if job.needs.frees)
}

/// Answers those that nobody can know the outcome of; gives back those with an op_id.
fn answer_unknown(jobs: Vec<Job>) -> Vec<Job> {
    let (known, unknown): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.op_id.is_some());
    for job in unknown {
        job.answer(Err(unknown_outcome()));
    }
    known
}

/// What an op_id did before, in this group or an earlier one.
fn recall(
    key: Option<(UserId, OpId)>,
    hash: i64,
    seen: &HashMap<(UserId, OpId), i64>,
    memory: &Memory,
) -> Option<Verdict> {
    let key = key?;
    let (known, verdict) = match (seen.get(&key), memory.get(&key)) {
        (Some(known), _) => (*known, Verdict::Repeats(key)),
        (None, Some(remembered)) => (remembered.hash, Verdict::Remembered(remembered.reply.clone())),
        (None, None) => return None,
    };
    if known == hash {
        return Some(verdict);
    }
    let message = "this op_id was used for another request; an op_id names one intent";
    Some(Verdict::Refused(
        Failure::new(ErrorCode::Conflict, message).at("op_id"),
    ))
}

fn remember(
    key: Option<(UserId, OpId)>,
    hash: i64,
    verdict: &Verdict,
    seen: &mut HashMap<(UserId, OpId), i64>,
) {
    if let (Some(key), Verdict::Done(_) | Verdict::Parts(_)) = (key, verdict) {
        seen.insert(key, hash);
    }
}

/// Whether the caller may, by the members that the group's lock made exact.
fn authorize(
    step: &Step,
    caller: &Caller,
    world: &World,
) -> Result<Option<(WorkspaceId, taskwire_protocol::member::Role)>, Failure> {
    let target = step.decide.target(caller);
    let workspace = match target {
        Target::Own => return Ok(None),
        Target::Workspace(id) => Some(id),
        Target::Task(id) => world.tasks.get(id).map(|task| task.workspace_id),
    };
    let place = workspace.and_then(|id| Some((id, world.role(id, caller.user.id)?)));
    allowed(step.decide.access(), target, place).map(Some)
}
