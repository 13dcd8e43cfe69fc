//! The writers' queue. Each user has a line in it, and so has the server's own work. Lines take turns, so a user with a
//! thousand waiting mutations delays another's by one group. Mutations and chores wait apart: writers run a group, then
//! a chore. What waits is bounded by what callers have under way. Does not know what mutations do.
//!
//! - `flows`  the lines, whose turn it is, and who owes
//! - `pick`   which submissions share a group

mod flows;
mod pick;

use super::item::{Bill, Errand, GROUP, Whose};
use super::submission::Submission;
use flows::{Flows, Turn};
use pick::{Picking, Waits};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout_at;

pub(super) use pick::{Busy, EVERY, Next, Nothing, Picked, Set};

/// The queue.
pub(super) struct Turns {
    state: Mutex<State>,
    /// To look at without the lock: how many submissions wait, how many of them are debtors', how many chores wait, and
    /// whether nothing more is taken in.
    waiting: AtomicUsize,
    held: AtomicUsize,
    chores: AtomicUsize,
    ends: AtomicBool,
    /// Something came.
    came: Notify,
}

struct State {
    submissions: Flows<Waits>,
    chores: Flows<Errand>,
    phase: Phase,
    /// Who waits for the end.
    stopping: Vec<oneshot::Sender<()>>,
    /// Nothing could run when somebody last looked at all lines, since these lanes were busy.
    stuck: Set,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more is taken in, and what waits is still done.
    Draining,
    Closed,
}

/// The queue takes nothing more, because the server is stopping.
#[derive(Debug)]
pub(super) struct Closed;

/// A place in the queue. Dropping it gives the place up, unless it is among the first of its line: these are carried
/// out in any case.
#[must_use]
pub(super) struct Ticket<'a> {
    turns: &'a Turns,
    place: Option<Place>,
}

enum Place {
    Submission(Whose, u64),
    Chore(Whose, u64),
}

impl Turns {
    pub(super) fn new() -> Arc<Turns> {
        let state = State {
            submissions: Flows::new(),
            chores: Flows::new(),
            phase: Phase::Open,
            stopping: Vec::new(),
            stuck: 0,
        };
        Arc::new(Turns {
            state: Mutex::new(state),
            waiting: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            chores: AtomicUsize::new(0),
            ends: AtomicBool::new(false),
            came: Notify::new(),
        })
    }

    /// Takes a place at the end of the owner's line. What only waits for busy lanes wakes nobody: who frees them looks again.
    pub(super) fn submit(&self, mut submission: Box<Submission>, lanes: Set) -> Result<Ticket<'_>, Closed> {
        let mut state = self.open()?;
        if let Whose::Steps(user) = submission.whose {
            let (line, session) = (Whose::User(user), submission.caller.session);
            let is_behind = |waits: &Waits| waits.submission.caller.session == session;
            if state.submissions.has(line, is_behind) {
                submission.whose = line;
            }
        }
        let whose = submission.whose;
        let number = state.submissions.push(whose, Waits { submission, lanes });
        self.count(&state);
        let is_stuck = lanes != 0 && lanes & !state.stuck == 0;
        if !is_stuck {
            state.stuck = 0;
        }
        drop(state);
        if !is_stuck {
            self.came.notify_one();
        }
        let place = Some(Place::Submission(whose, number));
        Ok(Ticket { turns: self, place })
    }

    /// Takes a place for a chore.
    pub(super) fn send(&self, whose: Whose, errand: Errand) -> Result<Ticket<'_>, Closed> {
        let mut state = self.open()?;
        let number = state.chores.push(whose, errand);
        self.count(&state);
        drop(state);
        self.came.notify_one();
        let place = Some(Place::Chore(whose, number));
        Ok(Ticket { turns: self, place })
    }

    /// How many submissions wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// How many users have some, about.
    pub(super) fn owners(&self) -> usize {
        self.lock().submissions.owners()
    }

    /// How many submissions wait that are not debtors'.
    pub(super) fn ready(&self) -> usize {
        self.waiting().saturating_sub(self.held.load(Relaxed))
    }

    /// The next group beside those that run. Debtors have none before `grace`.
    pub(super) fn group(&self, busy: &impl Busy, spread: bool, grace: Instant) -> Next {
        if self.waiting() == 0 {
            return Next::Nothing;
        }
        let now = Instant::now();
        let mut state = self.lock();
        let mut picking = Picking::new(busy, spread);
        let saw_all = picking.pick(&mut state.submissions, now, grace);
        let is_stuck = saw_all && !picking.has_some();
        state.stuck = if is_stuck { busy.lanes() } else { 0 };
        self.count(&state);
        drop(state);
        let next = picking.next();
        if let Next::Group(picked) = &next {
            metrics::histogram!("taskwire_group_size").record(picked.submissions.len() as f64);
        }
        next
    }

    /// A group has ended, so its lanes are free.
    pub(super) fn freed(&self) {
        self.lock().stuck = 0;
    }

    /// The next chore.
    pub(super) fn chore(&self) -> Option<Errand> {
        if self.chores.load(Relaxed) == 0 {
            return None;
        }
        let (mut state, mut taken) = (self.lock(), None);
        state.chores.go_round(|waiting, credit| {
            if taken.is_some() {
                return Turn::Enough;
            }
            taken = waiting.pop_front().map(|(_, errand)| errand);
            Turn::Gave(credit) // each owner has one in a round
        });
        self.count(&state);
        taken
    }

    /// Makes debtors of users whose mutations made a writer work for long.
    pub(super) fn charge(&self, bills: Vec<Bill>, now: Instant) {
        if bills.is_empty() {
            return;
        }
        metrics::counter!("taskwire_debts_total").increment(bills.len() as u64);
        let mut state = self.lock();
        for bill in bills {
            state.submissions.owe(bill, now);
        }
        self.count(&state);
    }

    /// Puts submissions of a group that were left undone at the beginning of their lines. Their order stays.
    pub(super) fn put_back(&self, left: Vec<Submission>, lanes: impl Fn(&Submission) -> Set) {
        if left.is_empty() {
            return;
        }
        let mut state = self.lock();
        for submission in left.into_iter().rev() {
            let (whose, lanes) = (submission.whose, lanes(&submission));
            let submission = Box::new(submission);
            state.submissions.push_first(whose, Waits { submission, lanes });
        }
        self.count(&state);
    }

    /// Waits until something has come since the last look, perhaps, and not longer than until `end`.
    pub(super) async fn arrival(&self, end: Option<Instant>) {
        let arrival = self.came.notified();
        match end {
            Some(end) => drop(timeout_at(end.into(), arrival).await),
            None => arrival.await,
        }
    }

    /// Whether the server stops and everything is done.
    pub(super) fn is_drained(&self) -> bool {
        if !self.ends.load(Relaxed) {
            return false;
        }
        let state = self.lock();
        state.submissions.len() == 0 && state.chores.len() == 0
    }

    /// Takes nothing more in, and waits until the writers have ended.
    pub(super) async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.phase == Phase::Closed {
                return;
            }
            state.phase = Phase::Draining;
            self.ends.store(true, Relaxed);
            state.stopping.push(done);
        }
        self.came.notify_one();
        let _ = wait.await;
    }

    /// Whether the writers have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().phase == Phase::Closed
    }

    /// The writers have ended. What still waits is refused.
    fn close(&self) {
        let mut state = self.lock();
        state.phase = Phase::Closed;
        let left = (state.submissions.clear(), state.chores.clear());
        let stopping = std::mem::take(&mut state.stopping);
        self.count(&state);
        drop(state);
        drop(left); // the drop closes the channels on which the callers wait
        for done in stopping {
            let _ = done.send(());
        }
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, Closed> {
        let state = self.lock();
        if state.phase == Phase::Open {
            Ok(state)
        } else {
            Err(Closed)
        }
    }

    /// Shows what waits. Under the lock, so that the last one who changes it is right.
    fn count(&self, state: &State) {
        self.waiting.store(state.submissions.len(), Relaxed);
        self.held.store(state.submissions.held(), Relaxed);
        self.chores.store(state.chores.len(), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writers' hold on the queue. It closes when they end, however that comes.
pub(super) struct Draining(pub(super) Arc<Turns>);

impl std::ops::Deref for Draining {
    type Target = Turns;
    fn deref(&self) -> &Turns {
        &self.0
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Ticket<'_> {
    /// The answer has come, so there is no place any more.
    pub(super) fn done(mut self) {
        self.place = None;
    }

    /// Gives the place up, also among the first of the line. Returns whether nothing was begun.
    pub(super) fn give_up(mut self) -> bool {
        self.leave(0)
    }

    /// Takes out what has the place, unless it is among the first `kept` of its line. Returns whether it was there.
    fn leave(&mut self, kept: usize) -> bool {
        let Some(place) = self.place.take() else {
            return false;
        };
        let mut state = self.turns.lock();
        let left = match place {
            Place::Submission(whose, number) => (state.submissions.leave(whose, number, kept), None),
            Place::Chore(whose, number) => (None, state.chores.leave(whose, number, kept)),
        };
        self.turns.count(&state);
        drop(state);
        // `left` is dropped outside the lock
        left.0.is_some() || left.1.is_some()
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.leave(GROUP);
    }
}

#[cfg(test)]
mod tests;
