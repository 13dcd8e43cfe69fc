//! One group of mutations in one transaction: load → decide → write → commit; then publish and answer. An error of the
//! database leaves nothing behind, and each mutation gets its chance again alone.

use super::Reply;
use super::allowed;
use super::frame;
use super::job::{Batch, Job, Step, Work, unknown_outcome, within};
use super::known::Sessions;
use super::load::{self, Memory};
use super::members::MemberCache;
use super::write::{self, Memo, Placed};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::live::{Frame, Hub, Published};
use crate::ops::world::{Members, World};
use crate::ops::{self, Act, Caller, Target};
use crate::store::ops::Remembered;
use crate::store::{Group, StoreError, Trouble};
use std::collections::{BTreeMap, HashMap};
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

/// What was decided for a job or a part of one.
enum Verdict {
    Done(Done),
    Parts(Vec<Verdict>),
    /// The same op_id earlier in this group.
    Repeats((UserId, OpId)),
    /// The same op_id in an earlier group.
    Remembered(Arc<str>),
    Refused(Failure),
}

/// A mutation that takes place: its output, and its entries in the log.
struct Done {
    data: String,
    from: usize,
    to: usize,
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
                Trouble::Full | Trouble::Taken | Trouble::Bug => false,
            };
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
            members: write::changed_members(&world),
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

/// The answers in the order of the jobs, and what the op_ids did.
fn answers(
    jobs: &[Job],
    verdicts: Vec<Verdict>,
    world: &World,
    placed: &[Placed],
) -> (Vec<Result<Reply, Failure>>, Vec<Memo>) {
    let mut answered: HashMap<(UserId, OpId), Arc<str>> = HashMap::new();
    let mut memos = Vec::new();
    let mut replies = Vec::with_capacity(jobs.len());
    for (job, verdict) in jobs.iter().zip(verdicts) {
        let user = job.caller.user.id;
        let reply = match verdict {
            Verdict::Parts(verdicts) => {
                let Work::Batch(batch) = &job.work else {
                    unreachable_parts(&mut replies);
                    continue;
                };
                let mut results = Vec::with_capacity(verdicts.len());
                let mut at = BTreeMap::new();
                for (part, verdict) in batch.parts.iter().zip(verdicts) {
                    if let Verdict::Done(done) = &verdict {
                        at.extend(positions(done, user, world, placed));
                    }
                    let hash = part.step.as_ref().map_or(0, |step| step.hash);
                    let key = part.op_id.map(|op_id| (user, op_id));
                    let reply = reply(verdict, key, hash, user, world, placed, &mut answered, &mut memos);
                    results.push(result(reply));
                }
                let data = format!("{{\"results\":[{}]}}", results.join(","));
                let body: Arc<str> = frame::reply(&at, &data).into();
                note(
                    job.op_id.map(|op_id| (user, op_id)),
                    job.hash(),
                    &body,
                    &mut answered,
                    &mut memos,
                );
                Ok(Reply {
                    body,
                    replayed: false,
                    subscribe: None,
                })
            }
            verdict => {
                let key = job.op_id.map(|op_id| (user, op_id));
                reply(
                    verdict,
                    key,
                    job.hash(),
                    user,
                    world,
                    placed,
                    &mut answered,
                    &mut memos,
                )
            }
        };
        replies.push(reply);
    }
    (replies, memos)
}

fn unreachable_parts(replies: &mut Vec<Result<Reply, Failure>>) {
    replies.push(Err(ops::bug("a single mutation has no parts")));
}

#[allow(
    clippy::too_many_arguments,
    reason = "one place encodes replies; a struct would only rename its parts"
)]
fn reply(
    verdict: Verdict,
    key: Option<(UserId, OpId)>,
    hash: i64,
    user: UserId,
    world: &World,
    placed: &[Placed],
    answered: &mut HashMap<(UserId, OpId), Arc<str>>,
    memos: &mut Vec<Memo>,
) -> Result<Reply, Failure> {
    let replay = |body| Reply {
        body,
        replayed: true,
        subscribe: None,
    };
    match verdict {
        Verdict::Refused(failure) => Err(failure),
        Verdict::Remembered(body) => Ok(replay(body)),
        Verdict::Repeats(key) => {
            let body = answered
                .get(&key)
                .cloned()
                .ok_or_else(|| ops::bug("a repeated op_id has no first answer"))?;
            Ok(replay(body))
        }
        Verdict::Parts(_) => Err(ops::bug("a part of a batch has no parts")),
        Verdict::Done(done) => {
            let at = positions(&done, user, world, placed);
            let body: Arc<str> = frame::reply(&at, &done.data).into();
            note(key, hash, &body, answered, memos);
            Ok(Reply {
                body,
                replayed: false,
                subscribe: None,
            })
        }
    }
}

fn note(
    key: Option<(UserId, OpId)>,
    hash: i64,
    body: &Arc<str>,
    answered: &mut HashMap<(UserId, OpId), Arc<str>>,
    memos: &mut Vec<Memo>,
) {
    if let Some(key) = key {
        answered.insert(key, body.clone());
        memos.push((
            key,
            Remembered {
                hash,
                reply: body.clone(),
            },
        ));
    }
}

/// One entry of a batch's results.
fn result(reply: Result<Reply, Failure>) -> String {
    match reply {
        Ok(Reply {
            body, replayed: true, ..
        }) => format!("{{{body},\"replayed\":true}}"),
        Ok(Reply { body, .. }) => format!("{{{body}}}"),
        Err(failure) => format!("{{\"error\":{}}}", ops::json(&failure).unwrap_or_default()),
    }
}

/// The last seq that a mutation produced in each stream its caller may read.
fn positions(done: &Done, user: UserId, world: &World, placed: &[Placed]) -> BTreeMap<StreamId, i64> {
    let entries = placed.get(done.from..done.to).unwrap_or_default();
    let readable = entries.iter().filter(|placed| match placed.stream {
        StreamId::User(id) => id == user,
        StreamId::Workspace(id) => world.role(id, user).is_some(),
    });
    readable.map(|placed| (placed.stream, placed.seq)).collect()
}
