//! Places for what only few may do at once. A user has a share of them, and users who wait take turns: however much one of them
//! waits for, another one's first wish is the next or among the next. Does not know what the places are for.

use foldhash::HashMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use taskwire_protocol::UserId;
use tokio::sync::oneshot;

/// The places. While somebody lines up, all of them are taken.
pub(super) struct Gate {
    /// How many places there are.
    all: usize,
    /// How many of them one user may have.
    each: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// Those who have places or wait for one.
    users: HashMap<UserId, Own>,
    /// Those who wait and have less than their share, in the order of their turns.
    line: VecDeque<UserId>,
}

#[derive(Default)]
struct Own {
    taken: usize,
    /// Who waits, in order. Some may have given up.
    waiting: VecDeque<oneshot::Sender<Place>>,
    lines_up: bool,
}

/// A place, until it is dropped.
pub(super) struct Place {
    /// `None` for a place that nobody took.
    gate: Option<Arc<Gate>>,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.leave(self.user);
        }
    }
}

impl Gate {
    /// A gate with `all` places, of which one user may have `each`. There is at least one.
    pub(super) fn new(all: usize, each: usize) -> Arc<Gate> {
        Arc::new(Gate {
            all: all.max(1),
            each: each.max(1),
            state: Mutex::default(),
        })
    }

    /// A place if there is one for this user now; else it is the user's turn when the receiver gets one. Who drops the receiver
    /// gives up.
    pub(super) fn take(self: &Arc<Gate>, user: UserId) -> Result<Place, oneshot::Receiver<Place>> {
        let mut state = self.state();
        let is_full = state.taken >= self.all;
        let own = state.users.entry(user).or_default();
        if !is_full && own.taken < self.each {
            own.taken += 1;
            state.taken += 1;
            return Ok(self.place(user));
        }
        let (sender, receiver) = oneshot::channel();
        own.waiting.push_back(sender);
        state.line_up(user, self.each);
        Err(receiver)
    }

    fn leave(self: &Arc<Gate>, user: UserId) {
        let mut state = self.state();
        state.taken = state.taken.saturating_sub(1);
        if let Some(own) = state.users.get_mut(&user) {
            own.taken = own.taken.saturating_sub(1);
        }
        state.line_up(user, self.each);
        while state.taken < self.all && state.next(self) {}
    }

    fn place(self: &Arc<Gate>, user: UserId) -> Place {
        let gate = Some(self.clone());
        Place { gate, user }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Puts a user at the end of the line who waits and may have more. Forgets one who has nothing.
    fn line_up(&mut self, user: UserId, each: usize) {
        let Some(own) = self.users.get_mut(&user) else {
            return;
        };
        if own.lines_up {
            return;
        }
        if own.waiting.is_empty() {
            if own.taken == 0 {
                self.users.remove(&user);
            }
        } else if own.taken < each {
            own.lines_up = true;
            self.line.push_back(user);
        }
    }

    /// Gives a place to the first user of the line. Returns whether there was one.
    fn next(&mut self, gate: &Arc<Gate>) -> bool {
        let Some(user) = self.line.pop_front() else {
            return false;
        };
        if let Some(own) = self.users.get_mut(&user) {
            own.lines_up = false;
            while let Some(waiting) = own.waiting.pop_front() {
                let Err(mut refused) = waiting.send(gate.place(user)) else {
                    own.taken += 1;
                    self.taken += 1;
                    break;
                };
                // dropping it must not lock this state again
                refused.gate = None;
            }
        }
        self.line_up(user, gate.each);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    type Wish = Result<Place, oneshot::Receiver<Place>>;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn wishes(gate: &Arc<Gate>, of: u128, number: usize) -> Vec<Wish> {
        (0..number).map(|_| gate.take(user(of))).collect()
    }

    /// Those who got a place while they waited.
    fn served(wishes: &mut [Wish]) -> usize {
        let mut served = 0;
        for wish in wishes {
            if let Err(receiver) = wish
                && let Ok(place) = receiver.try_recv()
            {
                *wish = Ok(place);
                served += 1;
            }
        }
        served
    }

    fn has(wishes: &[Wish]) -> usize {
        wishes.iter().filter(|wish| wish.is_ok()).count()
    }

    #[test]
    fn a_user_has_a_share_and_others_have_the_rest() {
        let gate = Gate::new(6, 2);
        let mut greedy = wishes(&gate, 1, 100);
        assert_eq!(has(&greedy), 2);
        let others: Vec<Wish> = (2..6).map(|number| gate.take(user(number))).collect();
        assert_eq!(has(&others), 4, "nobody waits for the user who has much to ask");
        drop(others);
        assert_eq!(
            served(&mut greedy),
            0,
            "free places are no reason to give more than the share"
        );
        drop(greedy.remove(0));
        assert_eq!((served(&mut greedy), has(&greedy)), (1, 2));
    }

    #[test]
    fn users_who_wait_take_turns() {
        let gate = Gate::new(2, 2);
        let mut running = wishes(&gate, 9, 2);
        let mut many = wishes(&gate, 1, 50);
        let mut one = wishes(&gate, 2, 1);
        let mut two = wishes(&gate, 3, 2);
        assert_eq!(has(&many) + has(&one) + has(&two), 0);
        running.pop();
        assert_eq!((served(&mut many), served(&mut one), served(&mut two)), (1, 0, 0));
        running.pop();
        assert_eq!((served(&mut many), served(&mut one), served(&mut two)), (0, 1, 0));
        one.pop();
        assert_eq!(
            (served(&mut many), served(&mut two)),
            (0, 1),
            "the third user's turn"
        );
        many.retain(Result::is_err);
        assert_eq!(
            (served(&mut many), served(&mut two)),
            (1, 0),
            "and the first one's again"
        );
        many.retain(Result::is_err);
        assert_eq!((served(&mut many), served(&mut two)), (0, 1));
    }

    #[test]
    fn who_gives_up_is_passed_over_and_nothing_is_left_of_anybody() {
        let gate = Gate::new(1, 1);
        let running = gate.take(user(1));
        let given_up = wishes(&gate, 2, 3);
        let mut last = wishes(&gate, 2, 1);
        let gone = wishes(&gate, 3, 2);
        drop(given_up);
        drop(gone);
        drop(running);
        assert_eq!(served(&mut last), 1);
        let after = gate.take(user(4));
        // a place that was given, but never received, is free again
        drop(last);
        drop(after);
        let state = gate.state();
        assert!(state.taken == 0 && state.users.is_empty() && state.line.is_empty());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_place_is_lost_or_given_twice_and_everybody_gets_one() {
        let gate = Gate::new(3, 2);
        let tasks: Vec<_> = (0..400_u128)
            .map(|number| {
                let gate = gate.clone();
                tokio::spawn(async move {
                    let place = match gate.take(user(number % 7)) {
                        Ok(place) => place,
                        Err(_) if number % 5 == 0 => return,
                        Err(turn) => turn.await.expect("a turn"),
                    };
                    tokio::task::yield_now().await;
                    let taken = gate.state().taken;
                    assert!((1..=3).contains(&taken), "{taken}");
                    drop(place);
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        let state = gate.state();
        assert!(state.taken == 0 && state.users.is_empty() && state.line.is_empty());
    }
}
