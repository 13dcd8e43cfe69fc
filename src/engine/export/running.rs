//! Who exports now: each account once, and only so many on this instance.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use taskwire_protocol::{ErrorCode, Failure, UserId};

/// The most exports at the same time. Each needs up to two MiB and, while its client reads fast, a part of a CPU.
const AT_ONCE: usize = 16;
/// How long a client should wait before it asks again.
const RETRY_AFTER_MS: u64 = 10_000;

/// The accounts that export. Clones share them.
#[derive(Clone, Default)]
pub(in crate::engine) struct Running(Arc<Mutex<HashSet<UserId>>>);

/// A place among them, until it is dropped.
pub(super) struct Place {
    running: Running,
    user: UserId,
}

impl Running {
    pub(super) fn take(&self, user: UserId) -> Result<Place, Failure> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = if users.contains(&user) {
            let message = "an export of your data is running; wait until it has ended, or cancel it";
            Some((ErrorCode::RateLimited, message))
        } else if users.len() >= AT_ONCE {
            let message = "too many exports at once; try again shortly";
            Some((ErrorCode::Unavailable, message))
        } else {
            None
        };
        if let Some((code, message)) = refusal {
            return Err(Failure::new(code, message).after(RETRY_AFTER_MS));
        }
        users.insert(user);
        let running = self.clone();
        Ok(Place { running, user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut users = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.remove(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_account_exports_once_at_a_time_and_an_instance_so_often() {
        let running = Running::default();
        let user = |n| UserId(Uuid::from_u128(n));
        let code = |user| running.take(user).map(drop).map_err(|failure| failure.code);
        let first = running.take(user(0)).expect("a place");
        assert_eq!(code(user(0)), Err(ErrorCode::RateLimited));
        let others: Vec<Place> = (1..AT_ONCE as u128)
            .map(|n| running.take(user(n)).expect("a place"))
            .collect();
        assert_eq!(code(user(99)), Err(ErrorCode::Unavailable));
        drop(first);
        assert_eq!(code(user(99)), Ok(()));
        drop(others);
        assert_eq!(code(user(1)), Ok(()));
    }
}
