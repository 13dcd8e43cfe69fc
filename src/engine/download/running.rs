//! Who downloads or uploads now: each account a few times, and only so many on this instance. Each needs memory and, while
//! its client is fast, a part of a CPU.

use foldhash::HashMap;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use taskwire_protocol::{ErrorCode, Failure, UserId};

/// How many downloads of a kind there may be, and what those are told who ask for more.
#[derive(Debug)]
pub(in crate::engine) struct Room {
    /// The most of one account.
    pub(in crate::engine) each: usize,
    /// The most on this instance.
    pub(in crate::engine) all: usize,
    /// The refusal of an account that has as many as it may.
    pub(in crate::engine) already: &'static str,
    /// The refusal of anybody while the instance has as many as it may.
    pub(in crate::engine) too_many: &'static str,
    /// How long a client should wait before it asks again.
    pub(in crate::engine) retry_after_ms: u64,
}

/// The accounts that download. Clones share them.
#[derive(Clone)]
pub(in crate::engine) struct Running {
    room: &'static Room,
    accounts: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// A place among them, until it is dropped.
pub(in crate::engine) struct Place {
    running: Running,
    user: UserId,
}

impl Running {
    pub(in crate::engine) fn new(room: &'static Room) -> Running {
        let accounts = Arc::default();
        Running { room, accounts }
    }

    pub(in crate::engine) fn take(&self, user: UserId) -> Result<Place, Failure> {
        let (room, mut accounts) = (
            self.room,
            self.accounts.lock().unwrap_or_else(PoisonError::into_inner),
        );
        let own = accounts.get(&user).copied().unwrap_or(0);
        let refusal = if own >= room.each {
            Some((ErrorCode::RateLimited, room.already))
        } else if accounts.values().sum::<usize>() >= room.all {
            Some((ErrorCode::Unavailable, room.too_many))
        } else {
            None
        };
        if let Some((code, message)) = refusal {
            let failure = Failure::new(code, message).after(room.retry_after_ms);
            return Err(match code {
                ErrorCode::RateLimited => failure.with(json!({ "limit": room.each, "of": "at_a_time" })),
                _ => failure,
            });
        }
        accounts.insert(user, own + 1);
        let running = self.clone();
        Ok(Place { running, user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let accounts = self.running.accounts.lock();
        let mut accounts = accounts.unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = accounts.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                accounts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_account_has_so_many_downloads_at_a_time_and_an_instance_so_many() {
        static ROOM: Room = Room {
            each: 2,
            all: 5,
            already: "you have two",
            too_many: "there are five",
            retry_after_ms: 1000,
        };
        let running = Running::new(&ROOM);
        let user = |n| UserId(Uuid::from_u128(n));
        let take = |n| running.take(user(n)).expect("a place");
        let code = |n| running.take(user(n)).map(drop).map_err(|failure| failure.code);
        let first = [take(0), take(0)];
        assert_eq!(code(0), Err(ErrorCode::RateLimited));
        let others = [take(1), take(1), take(2)];
        assert_eq!(code(3), Err(ErrorCode::Unavailable));
        drop(first);
        assert_eq!((code(3), code(0)), (Ok(()), Ok(())));
        drop(others);
        assert!(running.accounts.lock().expect("no panic").is_empty());
    }
}
