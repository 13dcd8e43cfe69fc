//! Several writers on one queue. While the queue is short, one writer takes everything. While it is longer than a
//! group, a hash assigns each stream to a lane, and a group takes submissions of free lanes only.
//!
//! The mutations of an owner on one stream keep their order, because one writer at a time has its lane, and so do those
//! of one session, because a later submission never runs at the same time as an earlier one. A mutation of a task whose
//! workspace is not known yet has no lane, so only its session orders it. Correctness comes from the database's locks;
//! lanes only keep writers from waiting for each other there.

use super::company::{self, Last};
use super::group::{Outcome, Writer};
use super::homes::Homes;
use super::item::{Errand, GROUP, Whose};
use super::loading::Noted;
use super::shared::Shared;
use super::submission::Submission;
use super::turns::{Busy, Draining, EVERY, Next, Picked, Set, Turns};
use foldhash::{HashMap, HashMapExt, HashSet};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use taskwire_protocol::{SessionId, StreamId};
use tokio::task::{Id, JoinError, JoinSet};

/// The most lanes: one bit each.
pub(super) const MOST: usize = 16;

/// A group that runs, or a chore.
struct Running {
    work: Work,
    began: Instant,
}

enum Work {
    Group {
        lanes: Set,
        sessions: HashSet<SessionId>,
        submissions: usize,
        owes: Option<Debtor>,
    },
    /// `beside`: it began beside others.
    Chore { beside: bool },
}

/// Whose group it is, if a debtor's. It keeps no lanes to itself, which others share with it by chance: only its streams,
/// which are locked in the database.
struct Debtor {
    whose: Whose,
    streams: Noted,
}

/// A writer that is done, and what became of its group.
type Ended = (Writer, Outcome);

/// Runs what waits in the queue on at most `lanes` writers.
pub(super) async fn drain(turns: Arc<Turns>, shared: Shared, lanes: usize) {
    let turns = Draining(turns);
    let mut writers = Writers::new(shared, lanes);
    let mut last = Last::default();
    loop {
        if turns.ready() > 0 && writers.running.others() == 0 {
            // only when nothing runs, but a debtor's group perhaps, does the next group wait for more submissions
            last.company(&turns).await;
        }
        let is_held = writers.start(&turns);
        if writers.tasks.is_empty() && turns.is_drained() {
            return;
        }
        let end = is_held.then_some(writers.grace);
        tokio::select! {
            biased;
            Some(ended) = writers.tasks.join_next_with_id() => {
                if let Some(group) = writers.ended(ended, &turns) {
                    last = group;
                }
            }
            // while all writers are busy, nobody can make use of it
            () = turns.arrival(end), if !writers.idle.is_empty() => {}
        }
    }
}

struct Writers {
    shared: Shared,
    lanes: usize,
    /// The last one has the warmest connection, and knows what the last group did.
    idle: VecDeque<Writer>,
    tasks: JoinSet<Ended>,
    running: AllRunning,
    /// What began last was a group.
    group_began: bool,
    /// Until when debtors wait.
    grace: Instant,
}

/// The groups and chores that run, by their tasks.
struct AllRunning {
    tasks: HashMap<Id, Running>,
    homes: Arc<Homes>,
}

impl AllRunning {
    fn groups(&self) -> usize {
        self.works()
            .filter(|work| matches!(work, Work::Group { .. }))
            .count()
    }

    fn chores(&self) -> usize {
        self.tasks.len() - self.groups()
    }

    /// All but the groups of debtors.
    fn others(&self) -> usize {
        self.works()
            .filter(|work| !matches!(work, Work::Group { owes: Some(_), .. }))
            .count()
    }

    fn works(&self) -> impl Iterator<Item = &Work> {
        self.tasks.values().map(|running| &running.work)
    }
}

impl Busy for AllRunning {
    fn lanes(&self) -> Set {
        self.works().fold(0, |set, work| match work {
            Work::Group {
                lanes, owes: None, ..
            } => set | lanes,
            Work::Group { .. } | Work::Chore { .. } => set,
        })
    }

    fn has(&self, submission: &Submission) -> bool {
        self.works().any(|work| match work {
            Work::Group { sessions, owes, .. } => {
                let is_kept = |debtor: &Debtor| debtor.has(submission, &self.homes);
                sessions.contains(&submission.caller.session) || owes.as_ref().is_some_and(is_kept)
            }
            Work::Chore { .. } => false,
        })
    }

    fn owes(&self) -> bool {
        self.works()
            .any(|work| matches!(work, Work::Group { owes: Some(_), .. }))
    }
}

impl Debtor {
    fn has(&self, submission: &Submission, homes: &Homes) -> bool {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        self.whose == submission.whose
            || streams_of(submission, homes).any(|stream| streams.contains(&stream))
    }
}

impl Writers {
    fn new(shared: Shared, lanes: usize) -> Writers {
        Writers {
            idle: (0..lanes).map(|_| Writer::new(shared.clone())).collect(),
            running: AllRunning {
                tasks: HashMap::new(),
                homes: shared.homes.clone(),
            },
            shared,
            lanes,
            tasks: JoinSet::new(),
            group_began: false,
            grace: Instant::now(),
        }
    }

    /// Starts what may run now: groups and chores by turns. Returns whether only debtors wait, who must wait longer.
    fn start(&mut self, turns: &Turns) -> bool {
        let mut is_held = false;
        while !self.idle.is_empty() {
            let began = (self.group_began && self.start_chore(turns))
                || self.start_group(turns, &mut is_held)
                || self.start_chore(turns);
            if !began {
                return is_held;
            }
        }
        false
    }

    /// While the queue is short, a group runs alone: most groups then have the same writer, whose connection is warm. Beside
    /// a debtor's it need not.
    fn start_group(&mut self, turns: &Turns, is_held: &mut bool) -> bool {
        let long = turns.ready() > GROUP;
        if !long && self.running.others() > 0 {
            return false;
        }
        let next = turns.group(&self.running, long && self.lanes > 1, self.grace);
        *is_held = matches!(next, Next::Held);
        let Next::Group(picked) = next else {
            return false;
        };
        self.group(picked);
        true
    }

    /// Chores leave some writers to the mutations, also beside a debtor's group, and none begins beside others while a group
    /// waits for these to end.
    fn start_chore(&mut self, turns: &Turns) -> bool {
        let now_debtors = Instant::now() >= self.grace && !self.running.owes();
        let waiting = if now_debtors {
            turns.waiting()
        } else {
            turns.ready()
        };
        let waited_for = (1..=GROUP).contains(&waiting) && self.running.others() > 0;
        let is_last = self.idle.len() == 1 && self.running.owes();
        if waited_for || is_last || self.running.chores() >= (self.lanes / 2).max(1) {
            return false;
        }
        let Some(errand) = turns.chore() else {
            return false;
        };
        self.chore(errand);
        true
    }

    fn group(&mut self, picked: Picked) {
        let Some(mut writer) = self.idle.pop_back() else {
            return;
        };
        let Picked {
            submissions,
            lanes,
            owes,
        } = picked;
        let homes = &self.shared.homes;
        let streams = |one| streams_of(one, homes);
        let owes = owes.map(|whose| {
            let streams = submissions.iter().flat_map(streams).collect();
            let streams = Arc::new(Mutex::new(streams));
            Debtor { whose, streams }
        });
        writer.noted = owes.as_ref().map(|debtor| debtor.streams.clone());
        let work = Work::Group {
            lanes,
            sessions: submissions
                .iter()
                .map(|submission| submission.caller.session)
                .collect(),
            submissions: submissions.len(),
            owes,
        };
        let task = self.tasks.spawn(async move {
            let outcome = writer.run(submissions).await;
            (writer, outcome)
        });
        self.note(task.id(), work);
        let groups = self.running.groups();
        metrics::gauge!("taskwire_lane_groups_running").set(groups as f64);
        metrics::counter!("taskwire_lane_groups_total", "beside" => beside(groups)).increment(1);
    }

    /// A chore beside others has the coldest writer, so that the next group has the one that knows the last group.
    fn chore(&mut self, errand: Errand) {
        let beside = !self.tasks.is_empty();
        let writer = if beside {
            self.idle.pop_front()
        } else {
            self.idle.pop_back()
        };
        let Some(mut writer) = writer else {
            return;
        };
        let task = self.tasks.spawn(async move {
            errand(&mut writer.tx).await;
            (writer, Outcome::default())
        });
        self.note(task.id(), Work::Chore { beside });
    }

    fn note(&mut self, task: Id, work: Work) {
        self.group_began = matches!(work, Work::Group { .. });
        let began = Instant::now();
        self.running.tasks.insert(task, Running { work, began });
    }

    /// Takes back a writer. A writer whose task panicked is replaced, together with its connection. Returns the group
    /// that ended, if it was one and not a debtor's.
    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>, turns: &Turns) -> Option<Last> {
        turns.freed();
        let (id, writer, outcome) = match ended {
            Ok((id, (writer, outcome))) => (id, writer, Some(outcome)),
            Err(error) => {
                tracing::error!(error = %error, "a group of mutations panicked; a new writer continues");
                // the group may have committed
                self.shared.sessions.outdate();
                self.shared.wishes.clear();
                (error.id(), Writer::new(self.shared.clone()), None)
            }
        };
        let Some(Running { work, began }) = self.running.tasks.remove(&id) else {
            self.idle.push_back(writer);
            return None;
        };
        metrics::gauge!("taskwire_lane_groups_running").set(self.running.groups() as f64);
        match work {
            Work::Group {
                submissions, owes, ..
            } => {
                self.idle.push_back(writer);
                let (took, now) = (began.elapsed(), Instant::now());
                let Outcome { bills, left } = outcome.unwrap_or_default();
                self.grace = company::grace(self.grace, owes.is_some(), &bills, took, now);
                turns.charge(bills, now);
                turns.put_back(left, |one| lanes_of(one, &self.shared.homes, self.lanes));
                owes.is_none().then(|| Last::new(submissions, took))
            }
            Work::Chore { beside } => {
                if beside {
                    self.idle.push_front(writer);
                } else {
                    self.idle.push_back(writer);
                }
                None
            }
        }
    }
}

/// The metric's label: whether other groups run at the same time.
fn beside(groups: usize) -> &'static str {
    if groups > 1 { "yes" } else { "no" }
}

/// The lanes of a submission's streams.
pub(super) fn lanes_of(submission: &Submission, homes: &Homes, lanes: usize) -> Set {
    // a single writer keeps the order of everything
    if lanes <= 1 {
        return EVERY;
    }
    streams_of(submission, homes).fold(0, |set, stream| set | 1 << lane_of(stream, lanes))
}

/// The streams of a submission, as far as they are known.
fn streams_of(submission: &Submission, homes: &Homes) -> impl Iterator<Item = StreamId> {
    let of_tasks = submission
        .needs
        .tasks
        .iter()
        .filter_map(move |task| homes.get(*task));
    let named = submission.needs.streams.iter().copied();
    named.chain(of_tasks.map(StreamId::from))
}

/// The lane of a stream, from the last 16 bits of its id, which are random.
fn lane_of(stream: StreamId, lanes: usize) -> usize {
    (stream.uuid().as_u128() & 0xffff) as usize % lanes.clamp(1, MOST)
}
