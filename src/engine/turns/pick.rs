//! Which submissions share a group: of one kind, up to a group's size, one turn of an owner after the other.
//!
//! Two kinds of submissions keep their order: those of one owner on one lane, and those of one session. A later one never
//! runs before or beside an earlier one. Submissions of different owners that all still wait have no order that anybody
//! could know. A step of the server for a user, such as the end of a session, comes after what its session had waiting
//! when it came; what the session sends before the step is answered may come first.

use super::super::item::{GROUP, Whose};
use super::super::submission::{Kind, Submission};
use super::flows::{Flows, TURN, Turn, Waiting};
use smallvec::SmallVec;
use std::time::Instant;

/// A set of lanes, one bit each. A submission whose stream is unknown belongs to no lane and may join any group.
pub(in super::super) type Set = u16;

/// The lane of everything, where there is one writer.
pub(in super::super) const EVERY: Set = 1;

/// A submission that waits, and the lanes of its streams.
pub(super) struct Waits {
    pub(super) submission: Box<Submission>,
    pub(super) lanes: Set,
}

/// What the groups that run now have taken.
pub(in super::super) trait Busy {
    /// The lanes of these groups, without a debtor's.
    fn lanes(&self) -> Set;
    /// Whether this one must wait for the end of one of them: it is of the same session, or of the debtor, or on a stream of
    /// the debtor's group.
    fn has(&self, submission: &Submission) -> bool;
    /// Whether one of them is a debtor's.
    fn owes(&self) -> bool;
}

/// No group runs.
pub(in super::super) struct Nothing;

impl Busy for Nothing {
    fn lanes(&self) -> Set {
        0
    }
    fn has(&self, _: &Submission) -> bool {
        false
    }
    fn owes(&self) -> bool {
        false
    }
}

/// The submissions of a group, and their lanes.
pub(in super::super) struct Picked {
    pub(in super::super) submissions: Vec<Submission>,
    pub(in super::super) lanes: Set,
    /// The debtor, if it is one's.
    pub(in super::super) owes: Option<Whose>,
}

/// What a writer may do next.
pub(in super::super) enum Next {
    Group(Picked),
    /// Only debtors wait, and others are about to come.
    Held,
    Nothing,
}

/// A group that is being picked.
pub(super) struct Picking<'a, B> {
    busy: &'a B,
    /// Only submissions on the lanes of the first one are taken.
    spread: bool,
    /// Lanes that are busy, or kept for somebody whose turn came first.
    closed: Set,
    kind: Option<Kind>,
    /// How many mutations it has; it is full when one is to be alone.
    weight: usize,
    lanes: Set,
    submissions: SmallVec<[Waits; 8]>,
    /// It is a debtor's.
    owes: bool,
    /// A debtor could have had it, and must wait.
    held: bool,
}

/// What stays behind in a line: later submissions must not overtake it.
struct Behind {
    lanes: Set,
    /// A bit for each session. Several sessions may share one: then a submission waits that need not.
    sessions: u64,
}

impl Behind {
    fn has(&self, waits: &Waits) -> bool {
        waits.lanes & self.lanes != 0 || self.sessions & bit(waits) != 0
    }

    fn add(&mut self, waits: &Waits) {
        self.lanes |= waits.lanes;
        self.sessions |= bit(waits);
    }
}

/// The bit of a submission's session, from the end of its id, which is random.
fn bit(waits: &Waits) -> u64 {
    1 << (waits.submission.caller.session.0.as_u128() % 64)
}

impl<'a, B: Busy> Picking<'a, B> {
    pub(super) fn new(busy: &'a B, spread: bool) -> Picking<'a, B> {
        Picking {
            busy,
            spread,
            closed: busy.lanes(),
            kind: None,
            weight: 0,
            lanes: 0,
            submissions: SmallVec::new(),
            owes: false,
            held: false,
        }
    }

    /// Picks a group. Debtors have a turn, one of them at a time, when nobody else has anything to give, and not before
    /// `grace`: who sends one mutation after the other has nothing waiting for a moment in between. Returns false if there are
    /// lines that were not looked at.
    pub(super) fn pick(&mut self, flows: &mut Flows<Waits>, now: Instant, grace: Instant) -> bool {
        flows.release(now);
        let saw_all = flows.go_round(|waiting, credit| self.turn(waiting, credit));
        if saw_all && !self.has_some() && flows.held() > 0 && !self.busy.owes() {
            self.held = now < grace;
            self.owes = !self.held;
        }
        if self.owes {
            flows.offer_debtor(|waiting, credit| self.turn(waiting, credit));
        }
        saw_all
    }

    /// Whether there is a group.
    pub(super) fn has_some(&self) -> bool {
        !self.submissions.is_empty()
    }

    /// The group, if there is one.
    pub(super) fn next(self) -> Next {
        if !self.has_some() {
            return if self.held { Next::Held } else { Next::Nothing };
        }
        let first = self.submissions.first();
        let owes = first.filter(|_| self.owes).map(|waits| waits.submission.whose);
        let submissions = self.submissions.into_iter();
        Next::Group(Picked {
            // they are large, so they are moved without the lock of the queue
            submissions: submissions.map(|waits| *waits.submission).collect(),
            lanes: self.lanes,
            owes,
        })
    }

    /// Takes what may join out of a line, until it counts for the line's credit. A submission stays behind if its lane or
    /// session is busy, or has an earlier submission of the owner that stays behind. Nothing overtakes one that the group
    /// has no place for.
    fn turn(&mut self, waiting: &mut Waiting<Waits>, credit: usize) -> Turn {
        if self.weight >= GROUP {
            return Turn::Enough;
        }
        let (lanes, sessions) = (self.closed, 0);
        let mut behind = Behind { lanes, sessions };
        let (mut at, mut spent) = (0, 0);
        while spent < credit
            && at < GROUP
            && let Some((_, waits)) = waiting.get(at)
        {
            if self.may_run(waits, &behind) {
                if !self.has_place(&waits.submission) {
                    break;
                }
                if let Some((_, waits)) = waiting.remove(at) {
                    spent += self.take(waits);
                }
                continue;
            }
            if at == 0 && waits.lanes & self.closed != 0 {
                // its lanes are free soon; those who come later must not take them again and again
                self.closed |= waits.lanes;
            }
            behind.add(waits);
            at += 1;
        }
        if spent > 0 {
            Turn::Gave(spent)
        } else {
            Turn::Passed
        }
    }

    /// Adds a submission. Returns for how many it counts.
    fn take(&mut self, waits: Waits) -> usize {
        let (submission, lanes) = (&waits.submission, waits.lanes);
        let weight = weight(submission);
        self.kind = Some(submission.kind);
        self.weight += if submission.is_alone() {
            weight.max(GROUP)
        } else {
            weight
        };
        let counts = if submission.needs.alone || lanes.count_ones() > 1 {
            // others waited for it, or their lanes were kept for it
            weight.max(GROUP)
        } else if submission.is_large {
            // perhaps only because of others in its group; but they come before the next one
            weight.max(TURN)
        } else {
            weight
        };
        self.lanes |= lanes;
        self.submissions.push(waits);
        counts
    }

    /// Whether a submission may run beside the groups that run now, and in this one.
    fn may_run(&self, waits: &Waits, behind: &Behind) -> bool {
        let is_apart = self.spread && self.lanes != 0 && waits.lanes & !self.lanes != 0;
        !is_apart && !behind.has(waits) && !self.busy.has(&waits.submission)
    }

    /// Whether a submission goes with those that were picked.
    fn has_place(&self, submission: &Submission) -> bool {
        let Some(kind) = self.kind else {
            return true;
        };
        kind == submission.kind && !submission.is_alone() && self.weight + weight(submission) <= GROUP
    }
}

fn weight(submission: &Submission) -> usize {
    submission.weight().max(1)
}
