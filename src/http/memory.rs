//! How much memory bodies may take, and the frames that were read from them: what one network or one account sends, and
//! all of it together. So those who send much, or read answers slowly, are refused before others are. Does not know what
//! a body means.

use std::hash::Hash;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;
use serde_json::json;
use taskwire_protocol::{ErrorCode, Failure, UserId};

use crate::auth::limits::Network;

/// The first bytes of a body, which count for nobody: connections bound how many there are, and those who send no
/// more are never refused for what others send.
pub(super) const UNCOUNTED: usize = 16 * 1024;
const MIB: usize = 1024 * 1024;
/// How long a client should wait before it sends a body again.
const RETRY_AFTER_MS: u64 = 1000;

/// Bodies whose senders are not known yet, by network.
static OF_STRANGERS: LazyLock<Ledger<Network>> = LazyLock::new(|| Ledger::new(8 * MIB, 128 * MIB));
/// Those of accounts.
static OF_ACCOUNTS: LazyLock<Ledger<UserId>> = LazyLock::new(|| Ledger::new(16 * MIB, 128 * MIB));

/// Who has how many bytes in memory.
#[derive(Debug)]
struct Ledger<K> {
    /// The most of one.
    each: usize,
    /// The most of all together.
    all: usize,
    held: Mutex<Held<K>>,
}

#[derive(Debug)]
struct Held<K> {
    of: HashMap<K, usize>,
    sum: usize,
}

impl<K: Copy + Eq + Hash> Ledger<K> {
    fn new(each: usize, all: usize) -> Ledger<K> {
        let (of, sum) = (HashMap::default(), 0);
        let held = Mutex::new(Held { of, sum });
        Ledger { each, all, held }
    }

    fn held(&self) -> MutexGuard<'_, Held<K>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a body as `to` bytes instead of `from`. A body that is the only one is never refused: the settings bound it. Who
    /// has others gets more only while half of all is free, so a few cannot take all of it.
    fn change(&self, of: K, from: usize, to: usize, who: &str) -> Result<(), Failure> {
        let mut held = self.held();
        let before = held.of.get(&of).copied().unwrap_or(0);
        let own = before.saturating_sub(from) + to;
        let sum = held.sum.saturating_sub(before) + own;
        if to > from {
            let refuse = |code, message: String| Failure::new(code, message).after(RETRY_AFTER_MS);
            if own > self.each && own > to {
                let message = format!("{who} too much at once; wait until some of it is answered");
                let context = json!({ "limit": self.each, "of": "bytes_at_a_time" });
                return Err(refuse(ErrorCode::RateLimited, message).with(context));
            }
            if sum > self.all / 2 && own > to {
                let message =
                    format!("{who} something already, and there is little room; wait until it is answered");
                let context = json!({ "limit": own - to, "of": "bytes_at_a_time" });
                return Err(refuse(ErrorCode::RateLimited, message).with(context));
            }
            if sum > self.all && sum > to {
                let message = "too many large bodies at once; try again shortly".to_owned();
                return Err(refuse(ErrorCode::Unavailable, message));
            }
        }
        held.sum = sum;
        if own == 0 {
            held.of.remove(&of);
        } else {
            held.of.insert(of, own);
        }
        Ok(())
    }
}

/// The memory of one body. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    whose: Whose,
    bytes: usize,
}

#[derive(Debug)]
enum Whose {
    /// Nobody counts it: nobody knows the address.
    Nobody,
    Network(Network, &'static Ledger<Network>),
    Account(UserId, &'static Ledger<UserId>),
}

impl Share {
    /// Of a sender who is not known yet.
    pub(super) fn of_network(network: Option<Network>) -> Share {
        let whose = network.map_or(Whose::Nobody, |network| Whose::Network(network, &OF_STRANGERS));
        Share { whose, bytes: 0 }
    }

    /// Of an account.
    pub(super) fn of_account(user: UserId) -> Share {
        let whose = Whose::Account(user, &OF_ACCOUNTS);
        Share { whose, bytes: 0 }
    }

    /// Whether anything counts.
    pub(super) fn counts(&self) -> bool {
        self.bytes > 0
    }

    /// What it counts for has this size now.
    ///
    /// # Errors
    /// `RATE_LIMITED` when one sends more than it may, `UNAVAILABLE` while all together do. Then nothing changes.
    pub(super) fn resize(&mut self, size: usize) -> Result<(), Failure> {
        let bytes = size.saturating_sub(UNCOUNTED);
        if bytes == self.bytes {
            return Ok(());
        }
        match &self.whose {
            Whose::Nobody => {}
            Whose::Network(network, ledger) => {
                ledger.change(*network, self.bytes, bytes, "your network sends")?;
            }
            Whose::Account(user, ledger) => ledger.change(*user, self.bytes, bytes, "you send")?,
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // giving back is never refused
        let _ = self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_sender_has_a_part_and_all_of_them_have_a_bound() {
        let ledger: &'static Ledger<UserId> = Box::leak(Box::new(Ledger::new(100, 250)));
        let share = |n| Share {
            whose: Whose::Account(UserId(Uuid::from_u128(n)), ledger),
            bytes: 0,
        };
        let code = |share: &mut Share, bytes| share.resize(UNCOUNTED + bytes).map_err(|failure| failure.code);
        let (mut first, mut second) = (share(1), share(1));
        assert_eq!(code(&mut first, 60), Ok(()));
        assert_eq!(code(&mut second, 41), Err(ErrorCode::RateLimited));
        assert_eq!(code(&mut second, 40), Ok(()));
        let mut others = [share(2), share(3)];
        assert_eq!(code(&mut others[0], 100), Ok(()));
        assert_eq!(code(&mut others[1], 51), Err(ErrorCode::Unavailable));
        assert_eq!(
            code(&mut others[1], 0),
            Ok(()),
            "the first bytes count for nobody"
        );
        assert_eq!(code(&mut first, 9), Ok(()), "less is never refused");
        assert_eq!(code(&mut others[1], 100), Ok(()));
        drop((first, second, others));
        assert!(ledger.held().of.is_empty() && ledger.held().sum == 0);
        assert_eq!(
            code(&mut share(1), 1000),
            Ok(()),
            "a body that is alone is as large as the settings allow"
        );
    }

    #[test]
    fn a_few_who_send_much_leave_room_for_the_others() {
        let ledger: &'static Ledger<UserId> = Box::leak(Box::new(Ledger::new(100, 400)));
        let mut held = Vec::new();
        let mut refused = 0;
        // eight accounts send bodies of 20 until they are refused
        for n in (0..8).cycle().take(80) {
            let mut share = Share {
                whose: Whose::Account(UserId(Uuid::from_u128(n)), ledger),
                bytes: 0,
            };
            match share.resize(UNCOUNTED + 20) {
                Ok(()) => held.push(share),
                Err(failure) => {
                    assert_eq!(failure.code, ErrorCode::RateLimited);
                    refused += 1;
                }
            }
        }
        assert_eq!((ledger.held().sum, refused), (200, 70));
    }
}
