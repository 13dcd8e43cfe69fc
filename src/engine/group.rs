//! One group of mutations in one transaction: load → decide → write → commit; then publish and answer. After an error
//! of the database the transaction is rolled back, and the group may run again (`recovery`). If it still fails and the
//! database is available, each mutation runs again alone. A mutation that needs too many rows, or whose rows take too long,
//! runs alone; the others of its group run together without it.

use super::Reply;
use super::answer::{Done, Verdict, answers};
use super::authorize::authorize_loaded;
use super::charge;
use super::costs::Costs;
use super::item::Bill;
use super::load::{self, Loaded, Memory};
use super::loading::Noted;
use super::narrow;
use super::optimism::is_verified;
use super::recovery::{
    BEGUN_WITHIN, DONE_WITHIN, Fault, Tries, answer_unknown, deadline, divided, give_up_late, look_for,
};
use super::shared::Shared;
use super::submission::{Batch, Step, Submission, Work, within};
use super::write::{self, Placed, Rewritten};
use crate::failpoint::reach;
use crate::live::{Frame, Published};
use crate::ops::world::{Members, World};
use crate::ops::{Act, Caller, Needs, invites};
use crate::store::statistics::count_alike;
use crate::store::{StoreError, Transaction, Trouble};
use foldhash::{HashMap, HashMapExt};
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;
use taskwire_protocol::{
    ErrorCode, Failure, OpId, SessionId, StreamId, TaskId, Timestamp, UserId, WorkspaceId,
};

/// A writer: its connection, and what it keeps between groups.
pub(super) struct Writer {
    pub(super) tx: Transaction,
    shared: Shared,
    /// The commit that was sent and has no answer yet.
    sent: Option<Sent>,
    /// Where the streams are noted that its group relies on, for who wants to know them.
    pub(super) noted: Option<Noted>,
}

/// What became of a group.
#[derive(Default)]
pub(super) struct Outcome {
    /// Who is to pay for it.
    pub(super) bills: Vec<Bill>,
    /// Submissions that did not run, in order: they need too much to share a transaction, or come after one that does.
    pub(super) left: Vec<Submission>,
}

/// What a commit does to streams.
struct Sent {
    advanced: BTreeSet<StreamId>,
    forgotten: Rewritten,
}

/// A committed group.
struct Committed {
    replies: Vec<Result<Reply, Failure>>,
    /// Of each submission, which of the entries are its own.
    entries: Vec<Range<usize>>,
    placed: Vec<Placed>,
    forgotten: Rewritten,
    members: Vec<(WorkspaceId, Arc<Members>)>,
    /// Accounts, sessions or memberships changed, so cached sessions are outdated.
    outdates: bool,
    /// Sessions and API tokens that ended.
    ended: Vec<SessionId>,
    /// The group enqueued a job.
    enqueues: bool,
    /// Tasks that were deleted for good.
    purged: Vec<(WorkspaceId, TaskId)>,
    /// Where something changed that statistics count.
    recounted: Vec<WorkspaceId>,
}

impl Writer {
    pub(super) fn new(shared: Shared) -> Writer {
        shared.words.clear();
        Writer {
            tx: Transaction::new(shared.store.clone()),
            shared,
            sent: None,
            noted: None,
        }
    }

    /// Runs the submissions and answers each of them, up to the first one that needs a transaction for itself. Others have
    /// their turn before the next such one.
    pub(super) async fn run(&mut self, submissions: Vec<Submission>) -> Outcome {
        let mut groups = VecDeque::from([(submissions, false)]);
        let (mut left, mut had_large, mut costs) = (Vec::new(), false, Costs::default());
        while let Some((submissions, unknown)) = groups.pop_front() {
            if had_large && !unknown {
                left.extend(submissions);
                continue;
            }
            let within = if unknown { DONE_WITHIN } else { BEGUN_WITHIN };
            let submissions = give_up_late(submissions, within, unknown);
            if submissions.is_empty() {
                continue;
            }
            had_large |= submissions.iter().any(|submission| submission.is_large);
            let Failed {
                mut submissions,
                whose,
                error,
                unknown,
            } = match self.run_together(submissions, unknown, &mut costs).await {
                Ok(()) => continue,
                Err(failed) => failed,
            };
            // while the database is unavailable, each submission alone would wait as long as all of them together
            let is_away = matches!(error.trouble, Trouble::Unavailable | Trouble::Late) && whose.is_empty();
            if submissions.len() == 1 || is_away {
                refuse(submissions, error);
                continue;
            }
            metrics::counter!("taskwire_groups_split_total").increment(1);
            if error.trouble == Trouble::Late
                && whose.len() == 1
                && let Some(place) = whose.first()
            {
                // it had the statement's time for itself, and would take it again
                refuse(vec![submissions.remove(*place)], error);
                groups.push_front((submissions, unknown));
                continue;
            }
            for (i, submission) in submissions.iter_mut().enumerate() {
                submission.is_large |= whose.contains(&i);
            }
            let parts = if whose.is_empty() {
                submissions
                    .into_iter()
                    .map(|submission| vec![submission])
                    .collect()
            } else {
                divided(submissions, &whose)
            };
            for part in parts.into_iter().rev() {
                groups.push_front((part, unknown));
            }
        }
        let bills = costs.bills(self.tx.usual());
        Outcome { bills, left }
    }

    /// Runs the submissions in one transaction. `unknown`: it is not known what an earlier transaction with them did.
    async fn run_together(
        &mut self,
        mut submissions: Vec<Submission>,
        unknown: bool,
        costs: &mut Costs,
    ) -> Result<(), Failed> {
        let mut tries = Tries::default();
        tries.unknown = unknown;
        loop {
            let fault = match self.attempt_in_time(&submissions, &tries, costs).await {
                Ok(committed) => {
                    self.finish(submissions, committed);
                    return Ok(());
                }
                Err(fault) => fault,
            };
            let optimistic = self.tx.is_optimistic();
            self.tx.rollback().await;
            self.shared.words.clear();
            let sent = self.sent.take();
            let error = match fault {
                Fault::Failed(error) => error,
                Fault::Narrow(streams) => {
                    tries.widen(streams);
                    continue;
                }
                Fault::Unsure => {
                    tries.lock("unsure");
                    continue;
                }
                Fault::Uninformed => {
                    tries.informed();
                    continue;
                }
                Fault::Missing(tasks) => {
                    tries.load(tasks);
                    continue;
                }
                Fault::Hopeful => {
                    tries.hope();
                    continue;
                }
                Fault::Crowded { whose, error } => {
                    if error.trouble == Trouble::Late {
                        count_error(error.trouble);
                    }
                    return Err(Failed {
                        submissions,
                        whose,
                        error,
                        unknown: tries.unknown,
                    });
                }
            };
            let trouble = error.trouble;
            self.shared.store.note(&error);
            if optimistic && matches!(trouble, Trouble::Contended | Trouble::Taken) {
                // Contended: another process wrote to the group's streams. Taken: an op_id was used before, and the
                // next run looks it up
                if trouble == Trouble::Contended {
                    self.tx.doubt();
                }
                tries.lock(error.cause());
                continue;
            }
            count_error(trouble);
            if trouble == Trouble::Unavailable {
                self.tx.disconnect();
                if let Some(sent) = sent {
                    // the outcome of the commit is unknown; only mutations with an op_id can find it out
                    tries.unknown = true;
                    submissions = self.after_unknown_commit(submissions, sent);
                }
            }
            submissions = give_up_late(submissions, DONE_WITHIN, tries.unknown);
            if submissions.is_empty() {
                return Ok(());
            }
            let frees = trouble == Trouble::Full && makes_room(&submissions);
            if !tries.again(&error, tries.unknown || frees).await {
                return Err(Failed {
                    submissions,
                    whose: BTreeSet::new(),
                    error,
                    unknown: tries.unknown,
                });
            }
            tries.stretches |= frees;
        }
    }

    /// Runs the submissions once, and gives up when their time is over: a server that answers each statement just in
    /// time must not hold them longer. SQLite's only file cannot fall silent, and its commits must not be cut off.
    async fn attempt_in_time(
        &mut self,
        submissions: &[Submission],
        tries: &Tries,
        costs: &mut Costs,
    ) -> Result<Committed, Fault> {
        if !self.shared.store.is_shared() {
            return self.attempt(submissions, tries, costs).await;
        }
        let until = deadline(submissions);
        let attempt = tokio::time::timeout_at(until.into(), self.attempt(submissions, tries, costs));
        if let Ok(outcome) = attempt.await {
            return outcome;
        }
        // a statement may be under way, so the connection cannot be used again
        self.tx.disconnect();
        Err(StoreError::unavailable("the database did not answer in time").into())
    }

    async fn attempt(
        &mut self,
        submissions: &[Submission],
        tries: &Tries,
        costs: &mut Costs,
    ) -> Result<Committed, Fault> {
        let mut needs = load::needs(submissions);
        needs.streams.extend(&tries.streams);
        if tries.stretches {
            self.tx.begin_stretched().await?;
        } else {
            self.tx.begin().await?;
        }
        if !needs.homeless.is_empty() {
            Box::pin(load::find_homes(&mut self.tx, &mut needs)).await?;
        }
        let (tx, noted) = (&mut self.tx, self.noted.as_ref());
        let loaded = load::load(tx, &self.shared, submissions, &needs, tries, costs, noted).await;
        let rows = self.tx.take_rows();
        metrics::histogram!("taskwire_group_rows").record(rows as f64);
        let Loaded {
            mut world,
            memory,
            users,
            narrowed,
        } = loaded?;
        let now = Timestamp(self.shared.clock.now_ms());
        self.tx.happens(now);
        let basis = Basis {
            memory,
            narrowed,
            now,
        };
        let verdicts = self.decide(submissions, &mut world, &basis, costs)?;
        let missed = world.take_missed();
        if !missed.is_empty() && tries.may_miss() {
            return Err(Fault::Missing(missed));
        }
        let unknown = world.take_unknown();
        if !unknown.is_empty() && tries.may_ask() {
            Box::pin(self.shared.wishes.look_up(&mut self.tx, unknown)).await?;
            return Err(Fault::Uninformed);
        }
        invites::look_for(&mut world)?;
        let deltas = world.deltas();
        let advanced: Vec<StreamId> = deltas.iter().map(|(stream, _)| *stream).collect();
        if self.tx.is_optimistic() {
            if !is_verified(&mut self.tx, submissions, &verdicts, &advanced) {
                return Err(Fault::Unsure);
            }
        } else if tries.may_widen() && !self.tx.is_alone() {
            users.admit(advanced.into_iter())?;
        }
        let (written, writes) = (costs.written(submissions, &verdicts), Instant::now());
        let unchanged = world.is_unchanged();
        self.shared
            .words
            .enqueue_if_wanted(self.tx.is_alone(), &mut world)?;
        let (placed, forgotten) = if unchanged {
            (Vec::new(), Rewritten::new())
        } else {
            reach("row.before");
            let forgotten = write::rows(&mut self.tx, &world).await?;
            reach("row.after");
            (write::place(&mut self.tx, &world, &deltas, now).await?, forgotten)
        };
        let entries = charge::entries(&self.shared.limits, &verdicts);
        let (replies, memos) = answers(submissions, verdicts, &world, &placed);
        if unchanged && memos.is_empty() {
            self.tx.rollback().await;
        } else {
            reach("log.before");
            write::log_and_memory(&mut self.tx, &world, &placed, &memos, now).await?;
            self.tx.settle().await?;
            reach("log.after");
            self.sent = Some(Sent {
                advanced: placed.iter().map(|placed| placed.stream).collect(),
                forgotten: forgotten.clone(),
            });
            reach("commit.before");
            let optimistic = self.tx.is_optimistic();
            self.tx.commit().await?;
            // SQLite gets what is written only now
            costs.wrote(&written, writes.elapsed());
            reach("commit.after");
            if optimistic {
                metrics::counter!("taskwire_optimistic_groups_total").increment(1);
            }
            self.sent = None;
        }
        self.shared.wishes.committed(&world);
        // once, however often the group ran
        charge::loaded(&self.shared.limits, submissions, rows);
        Ok(Committed {
            replies,
            entries,
            placed,
            forgotten,
            outdates: world.concerns_accounts(),
            ended: world.ended_sessions().collect(),
            enqueues: world.jobs().next().is_some(),
            members: world.changed_workspaces().collect(),
            purged: purged(&world),
            recounted: recounted(&world),
        })
    }

    /// The commit of these submissions was sent, and its answer did not arrive. Watchers get what it committed as soon
    /// as the database can be read. Returns the submissions with an op_id: running them again finds out what the commit
    /// did.
    fn after_unknown_commit(&self, submissions: Vec<Submission>, sent: Sent) -> Vec<Submission> {
        metrics::counter!("taskwire_commits_unknown_total").increment(1);
        let Shared {
            store, hub, sessions, ..
        } = &self.shared;
        sessions.outdate();
        self.shared.wishes.clear();
        for (stream, last) in sent.forgotten {
            hub.forget(stream, last);
        }
        look_for(store.clone(), hub.clone(), sent.advanced);
        answer_unknown(submissions)
    }

    /// Decides the submissions in order. Each submission sees what the submissions before it did.
    fn decide(
        &self,
        submissions: &[Submission],
        world: &mut World,
        basis: &Basis,
        costs: &mut Costs,
    ) -> Result<Vec<Verdict>, Fault> {
        let mut began = Instant::now();
        let mut seen: HashMap<(UserId, OpId), i64> = HashMap::new();
        let mut verdicts = Vec::with_capacity(submissions.len());
        for submission in submissions {
            let span = tracing::enabled!(tracing::Level::DEBUG).then(|| submission.trace().span());
            let _entered = span.as_ref().map(tracing::Span::enter);
            let key = submission.op_id.map(|op_id| (submission.caller.user.id, op_id));
            let verdict = match recall(key, submission.hash(), &seen, &basis.memory) {
                Some(verdict) => Ok(verdict),
                None => match &submission.work {
                    Work::One(step) => self.one(step, &submission.caller, submission.op_id, world, basis),
                    Work::Batch(batch) => self.batch(batch, submission, world, basis, &mut seen),
                },
            };
            let now = Instant::now();
            costs.add(submission.whose, now - began);
            began = now;
            let verdict = verdict?;
            remember(key, submission.hash(), &verdict, &mut seen);
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
        basis: &Basis,
    ) -> Result<Verdict, Fault> {
        let from = world.logged();
        let place = match self
            .shared
            .sessions
            .refuse_if_ended(step, caller, world)
            .and_then(|()| authorize_loaded(&*step.decide, caller, world, |_| None))
        {
            Ok(place) => place,
            Err(failure) => return Ok(Verdict::Refused(failure)),
        };
        if let Some(loaded) = &basis.narrowed {
            match narrow::of_step(&*step.decide, caller, world) {
                Err(failure) => return Ok(Verdict::Refused(failure)),
                Ok(needs) if !loaded.has_far(&needs) => return Err(Fault::Hopeful),
                Ok(_) => {}
            }
        }
        let act = Act {
            caller,
            now: basis.now,
            bounds: &self.shared.bounds,
            ids: &self.shared.ids,
            op_id,
            place,
        };
        let tried = step.decide.reaches(caller, world);
        if let Some(Err(failure)) = tried.map(|person| self.shared.limits.reach(caller.user.id, &person)) {
            return Ok(Verdict::Refused(failure));
        }
        match step.decide.decide(&act, world) {
            Ok(data) => Ok(Verdict::Done(Done {
                data,
                from,
                to: world.logged(),
            })),
            Err(_) if world.logged() != from => Err(Fault::Failed(StoreError::corrupt(format!(
                "{} changed the world and then refused",
                step.decide.name()
            )))),
            Err(failure) => Ok(Verdict::Refused(failure)),
        }
    }

    fn batch(
        &self,
        batch: &Batch,
        submission: &Submission,
        world: &mut World,
        basis: &Basis,
        seen: &mut HashMap<(UserId, OpId), i64>,
    ) -> Result<Verdict, Fault> {
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
            let key = part.op_id.map(|op_id| (submission.caller.user.id, op_id));
            let verdict = match recall(key, step.hash, seen, &basis.memory) {
                Some(Verdict::Refused(failure)) => Verdict::Refused(failure.at(format!("ops[{i}].op_id"))),
                Some(verdict) => verdict,
                None => match self.one(
                    step,
                    &submission.caller,
                    part.op_id.or(submission.op_id),
                    world,
                    basis,
                )? {
                    Verdict::Refused(failure) => Verdict::Refused(within(failure, i)),
                    verdict => verdict,
                },
            };
            if matches!(verdict, Verdict::Refused(_))
                && let Some(before) = before
            {
                *world = before;
                return Ok(verdict);
            }
            remember(key, step.hash, &verdict, seen);
            verdicts.push(verdict);
        }
        Ok(Verdict::Parts(verdicts))
    }

    /// After the commit: the caches, the live streams, the answers.
    fn finish(&self, submissions: Vec<Submission>, committed: Committed) {
        for (workspace, members) in committed.members {
            self.shared.cache.put(workspace, members);
        }
        for session in committed.ended {
            self.shared.sessions.remember_ended(session);
        }
        if committed.outdates {
            self.shared.sessions.outdate();
        }
        if committed.enqueues {
            self.shared.enqueued.notify_one();
        }
        for (stream, last) in committed.forgotten {
            self.shared.hub.forget(stream, last);
        }
        charge::written(&self.shared, &submissions, &committed.entries, &committed.placed);
        let published = committed.placed.iter().map(|placed| Published {
            stream: placed.stream,
            seq: placed.seq as u64,
            frame: Frame::from(&*placed.frame),
            removed: placed.removes,
        });
        reach("publish.before");
        for workspace in committed.recounted {
            self.shared.stats.changed(workspace);
        }
        self.shared.hub.publish(published.collect());
        for (workspace, task) in committed.purged {
            self.shared.presences.purged(workspace, task);
        }
        reach("publish.after");
        reach("answer.before");
        for (submission, reply) in submissions.into_iter().zip(committed.replies) {
            metrics::histogram!("taskwire_mutation_wait_seconds")
                .record(submission.queued.elapsed().as_secs_f64());
            submission.answer(reply);
            reach("answer.between");
        }
        reach("answer.after");
    }
}

fn purged(world: &World) -> Vec<(WorkspaceId, TaskId)> {
    let gone = world.tasks.changes().filter(|change| change.now.is_none());
    gone.filter_map(|change| change.before)
        .map(|task| (task.workspace_id, task.id))
        .collect()
}

fn recounted(world: &World) -> Vec<WorkspaceId> {
    let mut workspaces = Vec::new();
    for change in world.tasks.changes() {
        let task = match (change.before, change.now) {
            (Some(before), Some(now)) if count_alike(before, now) => continue,
            (before, now) => now.or(before),
        };
        let workspace = task.map(|task| task.workspace_id);
        workspaces.extend(workspace.filter(|workspace| !workspaces.contains(workspace)));
    }
    workspaces
}

/// Whether the submissions may also run in a full database, because they free space.
fn makes_room(submissions: &[Submission]) -> bool {
    matches!(submissions, [submission] if submission.needs.frees)
}

/// What a group knows beside its world.
struct Basis {
    memory: Memory,
    /// What lookups were for, if they were not for all that the mutations need.
    narrowed: Option<Needs>,
    /// The time of its mutations.
    now: Timestamp,
}

fn count_error(trouble: Trouble) {
    metrics::counter!("taskwire_group_errors_total", "trouble" => format!("{trouble:?}")).increment(1);
}

/// Submissions that failed together, and why.
struct Failed {
    submissions: Vec<Submission>,
    /// Those because of which they failed, by their places. Empty if it is not known.
    whose: BTreeSet<usize>,
    error: StoreError,
    /// Whether a commit with them was sent whose outcome is not known.
    unknown: bool,
}

fn refuse(submissions: Vec<Submission>, error: StoreError) {
    let failure = match &submissions[..] {
        [submission] => refusal(submission, error),
        _ => Failure::from(error),
    };
    for submission in submissions {
        submission.answer(Err(failure.clone()));
    }
}

/// The answer to a submission on which the database failed. The answer and its log line have the same request id.
fn refusal(submission: &Submission, error: StoreError) -> Failure {
    let (trace, id) = (submission.trace(), submission.trace().id());
    let mut failure = trace.of_failure(&id).in_scope(|| Failure::from(error));
    // a step of a sign-in is answered under the id of the sign-in
    if !submission.is_own() {
        failure.request_id = id;
    }
    failure
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
    let message = "this op_id was already used for another request; use a new op_id for each request";
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
