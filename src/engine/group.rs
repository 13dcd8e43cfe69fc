//! One group of mutations in one transaction: load → decide → write → commit; then publish and answer. After an error
//! of the database the transaction is rolled back, and the group may run again (`recovery`).
//!
//! - `decide`  what the mutations of a group decide, one after the other
//! - `divide`  which parts of a group run if it fails as a whole

mod decide;
mod divide;

use super::Reply;
use super::answer::answers;
use super::charge;
use super::costs::Costs;
use super::item::Bill;
use super::load::{self, Loaded};
use super::loading::Noted;
use super::optimism::is_verified;
use super::recovery::{DONE_WITHIN, Fault, Tries, answer_unknown, deadline, give_up_late, look_for};
use super::shared::Shared;
use super::submission::Submission;
use super::write::{self, Placed, Rewritten};
use crate::failpoint::reach;
use crate::live::{Frame, Published};
use crate::ops::invites;
use crate::ops::world::{Members, World};
use crate::store::statistics::count_alike;
use crate::store::{StoreError, Transaction, Trouble};
use decide::Basis;
use divide::Failed;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;
use taskwire_protocol::{Failure, SessionId, StreamId, TaskId, Timestamp, WorkspaceId};

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

fn count_error(trouble: Trouble) {
    metrics::counter!("taskwire_group_errors_total", "trouble" => format!("{trouble:?}")).increment(1);
}
