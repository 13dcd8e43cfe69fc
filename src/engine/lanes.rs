//! Several writers on one queue. While the queue is short, one writer takes everything. While it is longer than a
//! group, a hash assigns each stream to a lane, and a group takes submissions of free lanes only.
//!
//! Two kinds of submissions keep their order: those on one stream, because one writer at a time has its lane, and those
//! of one session, because a later submission never runs at the same time as an earlier one. Correctness comes from the
//! database's locks; lanes only keep writers from waiting for each other there.

use super::company::Last;
use super::group::Writer;
use super::homes::Homes;
use super::item::{GROUP, Item};
use super::shared::Shared;
use super::submission::{Kind, Submission};
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use taskwire_protocol::{SessionId, StreamId};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

/// How many waiting submissions are considered for a group. The others stay in the queue.
const LOOKED_THROUGH: usize = 8 * GROUP;
/// The most lanes: one bit each.
pub(super) const MOST: usize = 16;

/// A set of lanes, one bit each. A submission whose stream is unknown belongs to no lane and may join any group.
type Set = u16;

struct Waiting {
    item: Item,
    lanes: Set,
}

/// The lanes and sessions of a group that runs.
struct RunningGroup {
    lanes: Set,
    sessions: HashSet<SessionId>,
}

/// A writer that is done, and the result of its group.
struct Ended {
    writer: Writer,
    submissions: usize,
    took: Duration,
}

/// The submissions of a group.
#[derive(Default)]
struct Picked {
    submissions: Vec<Submission>,
    lanes: Set,
    sessions: HashSet<SessionId>,
}

/// Runs the items of the queue on at most `lanes` writers.
pub(super) async fn drain(mut queue: mpsc::Receiver<Item>, shared: Shared, lanes: usize) {
    let mut writers = Writers::new(shared, lanes);
    let mut received = Vec::with_capacity(GROUP);
    let (mut last, mut open) = (Last::default(), true);
    loop {
        let room = LOOKED_THROUGH - writers.waiting.len().min(LOOKED_THROUGH);
        if writers.running.is_empty() && !writers.waiting.is_empty() {
            // only when no group runs does the next one wait for more submissions
            let room = GROUP.saturating_sub(writers.waiting.len());
            last.company(&mut queue, &mut received, room, writers.waiting.len())
                .await;
            writers.take_in(&mut received);
        }
        if writers.start() {
            queue.close();
        }
        tokio::select! {
            biased;
            Some(ended) = writers.running.join_next_with_id() => last = writers.ended(ended),
            count = queue.recv_many(&mut received, room), if open && room > 0 => {
                open = count > 0;
                writers.take_in(&mut received);
            }
            else => return,
        }
    }
}

struct Writers {
    shared: Shared,
    lanes: usize,
    idle: Vec<Writer>,
    waiting: VecDeque<Waiting>,
    running: JoinSet<Ended>,
    groups: HashMap<Id, RunningGroup>,
    stopped: bool,
}

impl Writers {
    fn new(shared: Shared, lanes: usize) -> Writers {
        Writers {
            idle: (0..lanes).map(|_| Writer::new(shared.clone())).collect(),
            shared,
            lanes,
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            groups: HashMap::new(),
            stopped: false,
        }
    }

    fn take_in(&mut self, received: &mut Vec<Item>) {
        for item in received.drain(..) {
            let lanes = match &item {
                Item::Submission(submission) => lanes_of(submission, &self.shared.homes, self.lanes),
                Item::Chore(_) | Item::Stop(_) => 0,
            };
            self.waiting.push_back(Waiting { item, lanes });
        }
    }

    /// Starts what may run now. Returns true once a stop is reached and everything before it is done.
    fn start(&mut self) -> bool {
        while !self.stopped && !self.idle.is_empty() {
            match self.waiting.front().map(|next| &next.item) {
                None => break,
                Some(Item::Stop(_)) => {
                    if self.running.is_empty()
                        && let Some(Waiting {
                            item: Item::Stop(done),
                            ..
                        }) = self.waiting.pop_front()
                    {
                        self.stopped = true;
                        self.waiting.clear();
                        let _ = done.send(());
                    }
                    break;
                }
                Some(Item::Chore(_)) => self.chore(),
                Some(Item::Submission(_)) => {
                    let long = self.waiting.len() > GROUP;
                    if !self.running.is_empty() && !long {
                        break;
                    }
                    let picked = pick(&mut self.waiting, self.groups.values(), long && self.lanes > 1);
                    if picked.submissions.is_empty() {
                        break;
                    }
                    self.group(picked);
                }
            }
        }
        self.stopped
    }

    fn group(&mut self, picked: Picked) {
        let Some(mut writer) = self.idle.pop() else {
            return;
        };
        let Picked {
            submissions,
            lanes,
            sessions,
        } = picked;
        let size = submissions.len();
        metrics::histogram!("taskwire_group_size").record(size as f64);
        let task = self.running.spawn(async move {
            let began = Instant::now();
            writer.run(submissions).await;
            Ended {
                writer,
                submissions: size,
                took: began.elapsed(),
            }
        });
        self.groups.insert(task.id(), RunningGroup { lanes, sessions });
        metrics::gauge!("taskwire_lane_groups_running").set(self.groups.len() as f64);
        metrics::counter!("taskwire_lane_groups_total", "beside" => beside(self.groups.len())).increment(1);
    }

    fn chore(&mut self) {
        let Some(Waiting {
            item: Item::Chore(errand),
            ..
        }) = self.waiting.pop_front()
        else {
            return;
        };
        let Some(mut writer) = self.idle.pop() else {
            return;
        };
        let task = self.running.spawn(async move {
            errand(&mut writer.tx).await;
            Ended {
                writer,
                submissions: 0,
                took: Duration::ZERO,
            }
        });
        let (lanes, sessions) = (0, HashSet::new());
        self.groups.insert(task.id(), RunningGroup { lanes, sessions });
    }

    /// Takes back a writer. A writer whose task panicked is replaced, together with its connection.
    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) -> Last {
        let (id, writer, last) = match ended {
            Ok((id, ended)) => (id, ended.writer, Last::new(ended.submissions, ended.took)),
            Err(error) => {
                tracing::error!(error = %error, "a group of mutations panicked; a new writer continues");
                // the group may have committed
                self.shared.sessions.outdate();
                self.shared.wishes.clear();
                (error.id(), Writer::new(self.shared.clone()), Last::default())
            }
        };
        self.groups.remove(&id);
        self.idle.push(writer);
        metrics::gauge!("taskwire_lane_groups_running").set(self.groups.len() as f64);
        last
    }
}

/// The metric's label: whether other groups run at the same time.
fn beside(groups: usize) -> &'static str {
    if groups > 1 { "yes" } else { "no" }
}

/// The lanes of a submission's streams.
fn lanes_of(submission: &Submission, homes: &Homes, lanes: usize) -> Set {
    let homes = submission.needs.tasks.iter().filter_map(|task| homes.get(*task));
    let streams = submission
        .needs
        .streams
        .iter()
        .copied()
        .chain(homes.map(StreamId::from));
    streams.fold(0, |set, stream| set | 1 << lane_of(stream, lanes))
}

/// The lane of a stream, from the last 16 bits of its id, which are random.
fn lane_of(stream: StreamId, lanes: usize) -> usize {
    (stream.uuid().as_u128() & 0xffff) as usize % lanes.clamp(1, MOST)
}

/// Takes the submissions of one group out of the waiting ones, in their order: submissions of one kind, up to a group's
/// size. A submission stays behind if its lane is busy or has an earlier submission that stays behind, or if its
/// session has an earlier submission that runs or stays behind. `spread`: only submissions on the lanes of the first
/// submission are taken.
fn pick<'a>(
    waiting: &mut VecDeque<Waiting>,
    running: impl Iterator<Item = &'a RunningGroup>,
    spread: bool,
) -> Picked {
    let (mut closed, mut held): (Set, HashSet<SessionId>) = (0, HashSet::new());
    for group in running {
        closed |= group.lanes;
        held.extend(&group.sessions);
    }
    let mut picked = Picked::default();
    let (mut kind, mut weight, mut alone): (Option<Kind>, usize, bool) = (None, 0, false);
    let mut staying = VecDeque::with_capacity(waiting.len());
    while let Some(next) = waiting.pop_front() {
        let (item, lanes) = (next.item, next.lanes);
        let submission = match item {
            Item::Submission(submission) => submission,
            Item::Chore(_) => {
                staying.push_back(Waiting { item, lanes });
                continue;
            }
            Item::Stop(_) => {
                staying.push_back(Waiting { item, lanes });
                break;
            }
        };
        let session = submission.caller.session;
        let free = lanes & closed == 0 && !held.contains(&session);
        let company = kind.is_none_or(|kind| {
            let apart = spread && picked.lanes != 0 && lanes & !picked.lanes != 0;
            kind == submission.kind
                && !alone
                && !submission.needs.alone
                && !apart
                && weight + submission.weight() <= GROUP
        });
        if free && company {
            (kind, alone) = (Some(submission.kind), submission.needs.alone);
            weight += submission.weight();
            picked.lanes |= lanes;
            picked.sessions.insert(session);
            picked.submissions.push(*submission);
        } else {
            closed |= lanes;
            held.insert(session);
            let item = Item::Submission(submission);
            staying.push_back(Waiting { item, lanes });
        }
        if alone || weight >= GROUP {
            break;
        }
    }
    staying.append(waiting);
    *waiting = staying;
    picked
}

#[cfg(test)]
mod tests;
