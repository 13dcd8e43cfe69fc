//! What happens to a group after an error of the database: it runs again, or runs again with more locks, or its
//! submissions are refused. After a commit without an answer, finds out what it did. Does not know what the group's
//! mutations do.

use super::item::Whose;
use super::submission::Submission;
use crate::live::Hub;
use crate::store::{Store, StoreError, Trouble, log};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::{ErrorCode, Failure, StreamId, TaskId};

/// How often a group runs again when another transaction was in the way or the connection had broken.
const TRIES: u32 = 6;
/// The longest time from a mutation's arrival in the queue to its answer.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// A mutation that is not committed this long after its arrival is given up, in time for an exact answer.
pub(super) const DONE_WITHIN: Duration = Duration::from_secs(9);
/// A mutation that is not begun this long after its arrival is given up: what has next to no time left would break off the
/// whole group in which it is.
pub(super) const BEGUN_WITHIN: Duration = Duration::from_secs(8);
/// After how many milliseconds to try again what was not begun: by then most debts are paid.
const AGAIN: u64 = 1000;
/// How often a group runs again because it needs more locks. After that it locks out of order, and PostgreSQL detects a
/// deadlock if there is one.
const WIDENED: u32 = 3;
/// How often a group runs again because it did not know the preferences of people whom it notified. What became unknown
/// since then counts as if they had said nothing.
const ASKED: u32 = 3;
/// How often a group runs again because tasks were not in memory to which a move gives new places. After that the move
/// leaves them where they are.
const MISSED: u32 = 3;
/// The first pause before the database is asked again what a commit did. The pause doubles, up to `LAST_LOOK`.
const LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Why a try of a group failed.
pub(super) enum Fault {
    /// The database failed.
    Failed(StoreError),
    /// The group holds users' streams and needs these streams too, which sort before them. They must be locked at the
    /// start.
    Narrow(BTreeSet<StreamId>),
    /// The group relied on rows that it did not lock, and its write would not detect a change of them.
    Unsure,
    /// The group notified people whose wishes it did not know. They are known now.
    Uninformed,
    /// A mutation would have changed these tasks, which were not in memory.
    Missing(BTreeSet<TaskId>),
    /// A mutation is not refused that was about to be when lookups ran, so they left out what it needs.
    Hopeful,
    /// These submissions, by their places in the group, need too many rows to share a transaction with others, or a
    /// lookup for them took too long.
    Crowded {
        whose: BTreeSet<usize>,
        error: StoreError,
    },
}

impl Fault {
    /// A lookup brought too many rows. `Loading` knows which mutations asked.
    pub(super) fn crowded() -> Fault {
        Fault::Crowded {
            whose: BTreeSet::new(),
            error: StoreError::crowded(),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::Failed(error)
    }
}

/// The tries of one group.
#[derive(Default)]
pub(super) struct Tries {
    failed: u32,
    widened: u32,
    informed: u32,
    missing: u32,
    locks: bool,
    hoped: u32,
    /// Tasks to load besides those that the mutations name.
    pub(super) tasks: BTreeSet<TaskId>,
    /// The database is full, and this group may use the reserve.
    pub(super) stretches: bool,
    /// The commit of an earlier try was sent, and it is not known what became of it.
    pub(super) unknown: bool,
    /// Streams to lock at the start, besides those that the mutations name.
    pub(super) streams: BTreeSet<StreamId>,
}

impl Tries {
    /// Whether the group may run again to lock in the right order.
    pub(super) fn may_widen(&self) -> bool {
        self.widened < WIDENED
    }

    /// Whether the group may run again because it did not know whom it may notify.
    pub(super) fn may_ask(&self) -> bool {
        self.informed < ASKED
    }

    /// The next try knows more.
    pub(super) fn informed(&mut self) {
        self.informed += 1;
        metrics::counter!("taskwire_group_retries_total", "cause" => "preferences").increment(1);
    }

    /// Whether the group may run again because it would have changed tasks that were not in memory.
    pub(super) fn may_miss(&self) -> bool {
        self.missing < MISSED
    }

    /// The next try has these tasks in memory.
    pub(super) fn load(&mut self, tasks: BTreeSet<TaskId>) {
        self.missing += 1;
        self.tasks.extend(tasks);
        metrics::counter!("taskwire_group_retries_total", "cause" => "tasks").increment(1);
    }

    /// Whether lookups also run for mutations that seem to be refused.
    pub(super) fn hopes(&self) -> bool {
        self.hoped > 0
    }

    /// The next try runs lookups for every mutation.
    pub(super) fn hope(&mut self) {
        self.hoped += 1;
        metrics::counter!("taskwire_group_retries_total", "cause" => "lookups").increment(1);
    }

    /// Whether the group must lock everything that it relies on.
    pub(super) fn must_lock(&self) -> bool {
        self.locks
    }

    /// From now on, the group locks what it needs.
    pub(super) fn lock(&mut self, cause: &'static str) {
        self.locks = true;
        metrics::counter!("taskwire_group_retries_total", "cause" => cause).increment(1);
    }

    /// The next try locks these streams too.
    pub(super) fn widen(&mut self, streams: BTreeSet<StreamId>) {
        self.widened += 1;
        self.streams.extend(streams);
        metrics::counter!("taskwire_group_retries_total", "cause" => "locks").increment(1);
    }

    /// Returns whether to run again after this error; if so, waits a moment first. `worth_it`: the commit was sent and
    /// an op_id tells its outcome; or the database is full, and this submission frees space, so it may use the reserve.
    pub(super) async fn again(&mut self, error: &StoreError, worth_it: bool) -> bool {
        self.failed += 1;
        let again = match error.trouble {
            Trouble::Contended => self.failed < TRIES,
            // late: not a lookup, which is blamed on those who asked. Locks and writes may be faster the next time
            Trouble::Unavailable | Trouble::Late => self.failed < 2 || (worth_it && self.failed < TRIES),
            // the row that took the name or id is visible now, so the next run decides on it
            Trouble::Taken => self.failed < 2,
            Trouble::Full => worth_it && self.failed < 2,
            Trouble::Overdue | Trouble::Bug => false,
        };
        if again {
            metrics::counter!("taskwire_group_retries_total", "cause" => error.cause()).increment(1);
            tokio::time::sleep(Duration::from_millis(rand::random_range(1..=4 << self.failed))).await;
        }
        again
    }
}

/// Divides submissions that need too much together: those at the places `whose` run alone, and the others together before
/// them. Those of one owner keep their order: what comes after one that runs alone does so in a later part, with others of
/// which the same is true.
pub(super) fn divided(submissions: Vec<Submission>, whose: &BTreeSet<usize>) -> Vec<Vec<Submission>> {
    // the first part is for those behind nothing
    let mut parts = vec![Vec::new()];
    let mut shared = vec![true];
    let mut last: HashMap<Whose, usize> = HashMap::new();
    for (i, submission) in submissions.into_iter().enumerate() {
        let owner = submission.whose;
        let from = last.get(&owner).copied().unwrap_or(0);
        let found = (from..parts.len()).find(|part| shared[*part]);
        let place = found.filter(|_| !whose.contains(&i)).unwrap_or(parts.len());
        if place == parts.len() {
            parts.push(Vec::new());
            shared.push(!whose.contains(&i));
        }
        last.insert(owner, place);
        parts[place].push(submission);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Answers the submissions without an op_id, whose outcome stays unknown. Returns the others.
pub(super) fn answer_unknown(submissions: Vec<Submission>) -> Vec<Submission> {
    let (known, unknown): (Vec<Submission>, Vec<Submission>) = submissions
        .into_iter()
        .partition(|submission| submission.op_id.is_some());
    for submission in unknown {
        let why = "the connection to the database broke during the commit";
        submission.answer(Err(unknown_outcome(ErrorCode::Unavailable, why)));
    }
    known
}

/// When the group must be committed: the oldest of its submissions sets the time.
pub(super) fn deadline(submissions: &[Submission]) -> Instant {
    let oldest = submissions.iter().map(|submission| submission.queued).min();
    oldest.unwrap_or_else(Instant::now) + DONE_WITHIN
}

/// Answers the submissions that came so long ago. Returns the others. `unknown`: it is not known what an earlier try
/// committed.
pub(super) fn give_up_late(submissions: Vec<Submission>, within: Duration, unknown: bool) -> Vec<Submission> {
    let now = Instant::now();
    let is_late = |submission: &Submission| now.saturating_duration_since(submission.queued) >= within;
    if !submissions.iter().any(is_late) {
        return submissions;
    }
    let (late, others): (Vec<Submission>, Vec<Submission>) = submissions.into_iter().partition(is_late);
    for submission in late {
        submission.answer(Err(if unknown { unanswered() } else { not_begun() }));
    }
    others
}

/// The answer to a mutation without an op_id that may have been carried out.
pub(super) fn unknown_outcome(code: ErrorCode, why: &str) -> Failure {
    let message = format!(
        "the outcome is unknown: {why}; check the current state before you retry, and send an op_id to make retries safe"
    );
    Failure::new(code, message)
}

/// The answer to a mutation that was not carried out in time.
pub(super) fn not_begun() -> Failure {
    let message = "this could not be carried out in time; nothing was changed; try again";
    Failure::new(ErrorCode::Unavailable, message).after(AGAIN)
}

/// The answer to a mutation that may have been carried out, and may have an op_id.
pub(super) fn unanswered() -> Failure {
    let message = "the outcome is unknown: the database did not answer in time; retry with the same op_id, or check \
                   the current state if you sent none";
    Failure::new(ErrorCode::Unavailable, message)
}

/// Reads the heads of streams that a commit may have advanced. Once the database answers, their watchers get its
/// entries.
pub(super) fn look_for(store: Store, hub: Arc<Hub>, streams: BTreeSet<StreamId>) {
    tokio::spawn(async move {
        let mut pause = LOOK;
        for stream in streams {
            let (_, head) = loop {
                match range(&store, stream).await {
                    Ok(range) => break range,
                    Err(_) if store.is_closed() => return,
                    Err(_) => tokio::time::sleep(pause).await,
                }
                pause = (pause * 2).min(LAST_LOOK);
            };
            hub.hear_of(stream, head as u64);
        }
    });
}

async fn range(store: &Store, stream: StreamId) -> Result<(i64, i64), StoreError> {
    log::range(&mut store.read().await?, stream).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::world::World;
    use crate::ops::{Act, Caller, Decide, Needs, Target};
    use taskwire_protocol::Access;

    /// A mutation that does nothing.
    struct Nothing;

    impl Decide for Nothing {
        fn name(&self) -> &'static str {
            "test"
        }
        fn access(&self) -> Access {
            Access::User
        }
        fn target(&self, _: &Caller) -> Target {
            Target::Own
        }
        fn needs(&self, _: &Caller, _: &mut Needs) {}
        fn decide(&self, _: &Act<'_>, _: &mut World) -> crate::ops::Result<Arc<str>> {
            Ok("".into())
        }
        fn canonical(&self) -> String {
            String::new()
        }
    }

    #[test]
    fn what_has_next_to_no_time_left_is_not_begun_beside_others() {
        let seconds = Duration::from_secs_f64;
        let of = |waited: f64| {
            let mut submission = Submission::of_user(1, 1, Box::new(Nothing));
            submission.queued = Instant::now()
                .checked_sub(seconds(waited))
                .expect("a machine that runs");
            submission
        };
        let left = |within, unknown| {
            let group = vec![of(0.0), of(8.5), of(9.5), of(0.1)];
            give_up_late(group, within, unknown).len()
        };
        assert_eq!(left(BEGUN_WITHIN, false), 2);
        assert_eq!(left(DONE_WITHIN, true), 3, "what was begun is finished");
    }

    #[test]
    fn what_is_too_large_runs_alone_and_owners_keep_their_order() {
        let group = [1, 2, 3, 2, 1, 4, 2, 1, 3, 2, 1];
        let of = |(session, user)| Submission::of_user(user, session, Box::new(Nothing));
        let submissions = (100..).zip(group).map(of).collect();
        let parts = divided(submissions, &BTreeSet::from([1, 4, 9]));
        let user = |submission: &Submission| submission.caller.user.id.0.as_u128();
        let users: Vec<Vec<u128>> = parts.iter().map(|part| part.iter().map(user).collect()).collect();
        let wanted = [
            vec![1, 3, 4, 3],
            vec![2],
            vec![2, 2],
            vec![1],
            vec![1, 1],
            vec![2],
        ];
        assert_eq!(users, wanted);
    }
}
