//! Who downloads, uploads or sends something large now: each account a few times, and only so many on this instance. Each
//! needs memory and, while its client is fast, a part of a CPU. A few accounts cannot take all places: who has one gets
//! another only while half of them are free.

use foldhash::HashMap;
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure, UserId};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How many places of a kind there are, and what those are told who ask for more.
#[derive(Debug)]
pub struct Room {
    /// The most of one account.
    pub each: usize,
    /// The most on this instance.
    pub all: usize,
    /// The refusal of an account that has as many as it may.
    pub already: &'static str,
    /// The refusal of anybody while the instance has as many as it may.
    pub too_many: &'static str,
    /// How long a client should wait before it asks again.
    pub retry_after_ms: u64,
}

/// The accounts that have places. Clones share them.
#[derive(Clone, Debug)]
pub struct Running {
    room: &'static Room,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    accounts: Mutex<HashMap<UserId, usize>>,
    /// A place is free again.
    freed: Notify,
}

/// A place among them, until it is dropped.
#[derive(Debug)]
pub struct Place {
    running: Running,
    user: UserId,
}

impl Running {
    /// No account has a place yet.
    pub fn new(room: &'static Room) -> Running {
        let shared = Arc::default();
        Running { room, shared }
    }

    /// A place for an account.
    ///
    /// # Errors
    /// `RATE_LIMITED` for an account that may have no other place now, `UNAVAILABLE` while all are taken.
    pub fn take(&self, user: UserId) -> Result<Place, Failure> {
        let (room, mut accounts) = (self.room, self.accounts());
        let own = accounts.get(&user).copied().unwrap_or(0);
        let taken: usize = accounts.values().sum();
        if own >= room.each {
            return Err(self.already(own, room.already));
        }
        if own > 0 && taken * 2 > room.all {
            let message = "more than half of the places are taken, and you have one; wait until it is free";
            return Err(self.already(own, message));
        }
        if taken >= room.all {
            return Err(Failure::new(ErrorCode::Unavailable, room.too_many).after(room.retry_after_ms));
        }
        accounts.insert(user, own + 1);
        let running = self.clone();
        Ok(Place { running, user })
    }

    /// The same, and waits so long for a place while all are taken.
    ///
    /// # Errors
    /// As [`Running::take`].
    pub async fn take_within(&self, user: UserId, patience: Duration) -> Result<Place, Failure> {
        let until = Instant::now() + patience;
        let mut woken = false;
        loop {
            match self.take(user) {
                Err(failure) if failure.code == ErrorCode::Unavailable => {
                    if timeout_at(until, self.shared.freed.notified()).await.is_err() {
                        return self.take(user);
                    }
                    woken = true;
                }
                Err(failure) if woken => {
                    // the place for which it was woken is for the next one that waits
                    self.shared.freed.notify_one();
                    return Err(failure);
                }
                taken => return taken,
            }
        }
    }

    fn already(&self, own: usize, message: &str) -> Failure {
        let failure = Failure::new(ErrorCode::RateLimited, message).after(self.room.retry_after_ms);
        failure.with(json!({ "limit": own, "of": "at_a_time" }))
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.shared
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut accounts = self.running.accounts();
        if let Some(own) = accounts.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                accounts.remove(&self.user);
            }
        }
        drop(accounts);
        // one that waits; if nobody does, the next one that asks looks again
        self.running.shared.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    static ROOM: Room = Room {
        each: 2,
        all: 5,
        already: "you have two",
        too_many: "there are five",
        retry_after_ms: 1000,
    };

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn an_account_has_so_many_at_a_time_and_an_instance_so_many() {
        let running = Running::new(&ROOM);
        let take = |n| running.take(user(n)).expect("a place");
        let code = |n| running.take(user(n)).map(drop).map_err(|failure| failure.code);
        let first = [take(0), take(0)];
        assert_eq!(code(0), Err(ErrorCode::RateLimited));
        let others = [take(1), take(2), take(3)];
        assert_eq!(code(4), Err(ErrorCode::Unavailable));
        drop(first);
        assert_eq!((code(4), code(0)), (Ok(()), Ok(())));
        drop(others);
        assert!(running.accounts().is_empty());
    }

    #[test]
    fn who_has_a_place_gets_another_only_while_half_of_them_are_free() {
        let running = Running::new(&ROOM);
        let take = |n| running.take(user(n)).expect("a place");
        let _held = [take(0), take(0), take(1)];
        let refused = running.take(user(1)).expect_err("three of five are taken");
        assert_eq!(refused.code, ErrorCode::RateLimited);
        assert_eq!(refused.context, Some(json!({ "limit": 1, "of": "at_a_time" })));
        let _third = take(2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_place_that_is_free_again() {
        let running = Running::new(&ROOM);
        let mut held: Vec<Place> = (0..5).map(|n| running.take(user(n)).expect("a place")).collect();
        let patience = Duration::from_secs(5);
        let refused = running
            .take_within(user(9), patience)
            .await
            .expect_err("all are taken");
        assert_eq!(refused.code, ErrorCode::Unavailable);
        let waiting = tokio::spawn({
            let running = running.clone();
            async move { running.take_within(user(9), patience).await }
        });
        tokio::task::yield_now().await;
        held.pop();
        assert!(waiting.await.expect("no panic").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_after_waiting_wakes_the_next_one() {
        let running = Running::new(&ROOM);
        let mut held: Vec<Place> = (0..5).map(|n| running.take(user(n)).expect("a place")).collect();
        let wait = |n| {
            let running = running.clone();
            tokio::spawn(async move { running.take_within(user(n), Duration::from_secs(5)).await })
        };
        // one account asks twice before another one does
        let waiting = [wait(9), wait(9), wait(8)];
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        held.pop();
        let [first, second, other] = waiting;
        let _first = first.await.expect("no panic").expect("the place that is free");
        held.pop();
        let refused = second.await.expect("no panic").expect_err("it has one");
        assert_eq!(refused.code, ErrorCode::RateLimited);
        let _other = other.await.expect("no panic").expect("the next place");
        assert_eq!(
            begun.elapsed(),
            Duration::ZERO,
            "nobody waits beside a free place"
        );
    }
}
