//! Limits: how often whom. One set for every way in: HTTP, sockets and `/v1/rpc` count in the same windows.
//!
//! - `table`      the table of limits: name, number, window
//! - `who`        whom a limit counts: a network, a user, an e-mail address
//! - `allowance`  what is left, and the failure when nothing is
//! - `window`     sliding windows in memory; `bounded` the map under them
//! - `lock`       failed sign-ins of an account, and the lock that follows them
//! - `people`     the strangers that an account tried to reach
//! - `shared`     the same windows and locks in Redis, for all instances
//! - `trial`      a sign-in between its begin and its outcome
//! - `bucket`     the token bucket of a socket
//! - `meter`      what everything costs its user, or the network of who is not signed in; `purse` what one of them spent,
//!   `units` the costs, `doubt` a token that is not known yet, `settling` how instances tell each other
//!
//! With Redis the instances count together, and each counts its own part in memory too: Redis is not trusted. While Redis
//! is away or slow, each counts alone. Time here never jumps: it is counted from the start, or it is Redis' own.

mod allowance;
mod bounded;
mod bucket;
mod doubt;
mod lock;
mod meter;
mod people;
mod purse;
mod settling;
mod shared;
mod table;
mod trial;
pub mod units;
mod who;
mod window;

pub use allowance::Allowance;
pub use bucket::Bucket;
pub use doubt::Doubt;
pub use meter::Payer;
pub use table::{Limit, Options};
pub use trial::{Device, Entered, Outcome, Trial};
pub use who::{Network, Who};

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use taskwire_protocol::{Failure, UserId};
use tokio::time::Instant;

use lock::Locks;
use meter::{Meter, Untold};
use people::People;
use shared::{Question, Shared};
use table::{GIVEN_BACK, Rule, Rules};
use who::{Key, Keys};
use window::Windows;

/// All limits of a node but those of a socket.
#[derive(Debug)]
pub struct Limits {
    /// `None`: limits are off.
    on: Option<Box<On>>,
}

#[derive(Debug)]
struct On {
    rules: Rules,
    keys: Keys,
    windows: [Windows; Limit::ALL.len()],
    /// Sign-ins that networks were given back.
    given_back: Windows,
    known: Locks,
    strangers: Locks,
    people: People,
    meter: Meter,
    shared: Option<Shared>,
    began: Instant,
}

impl Limits {
    /// Limits that count by keys which only holders of `secret` can make.
    pub fn new(options: &Options, secret: &SecretString) -> Limits {
        let rules = Rules::new(options);
        Limits {
            on: Some(Box::new(On {
                keys: Keys::new(secret.expose_secret().as_bytes()),
                windows: Limit::ALL.map(|limit| Windows::new(*rules.of(limit))),
                given_back: Windows::new(GIVEN_BACK),
                known: Locks::default(),
                strangers: Locks::default(),
                people: People::new(options.strangers_per_hour),
                meter: Meter::new(options),
                rules,
                shared: None,
                began: Instant::now(),
            })),
        }
    }

    /// Limits that never refuse, and count nothing.
    pub fn off() -> Limits {
        Limits { on: None }
    }

    /// Counts together with all instances that use this Redis and this prefix.
    #[must_use]
    pub fn shared_by(mut self, redis: redis::Client, prefix: &str) -> Limits {
        if let Some(on) = &mut self.on {
            on.shared = Some(Shared::new(redis, prefix));
            on.meter.untold = Some(Untold::default());
        }
        self
    }

    /// Counts one more, or refuses it. What is refused is not counted.
    ///
    /// # Errors
    /// `RATE_LIMITED` with `retry_after_ms`.
    pub async fn take<'a>(&self, limit: Limit, who: impl Into<Who<'a>>) -> Result<(), Failure> {
        match self.count(limit, who).await {
            Some(allowance) => allowance.refusal(limit).map_or(Ok(()), Err),
            None => Ok(()),
        }
    }

    /// Counts one more, or refuses it, and tells what is left. `None`: limits are off.
    pub async fn count<'a>(&self, limit: Limit, who: impl Into<Who<'a>>) -> Option<Allowance> {
        let on = self.on.as_ref()?;
        let key = on.keys.of(limit.name(), &who.into());
        let taken = on.ask(&[(limit, key)], None).await;
        taken.windows.into_iter().next()
    }

    /// Counts so many more of what was let through before its size was known. What is above the limit keeps later ones out,
    /// so something large costs as much as its parts.
    pub async fn charge<'a>(&self, limit: Limit, who: impl Into<Who<'a>>, number: u32) {
        if let (Some(on), 1..) = (&self.on, number) {
            let key = on.keys.of(limit.name(), &who.into());
            on.charge(limit, key, number).await;
        }
    }

    /// Counts a sign-in for its network. This comes first: who may not sign in costs nothing else.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub async fn enter(&self, from: Option<IpAddr>) -> Result<Entered, Failure> {
        let (Some(on), Some(address)) = (&self.on, from) else {
            return Ok(Entered::default());
        };
        let key = on.keys.of(Limit::SignIns.name(), &Who::from(address));
        let taken = on.ask(&[(Limit::SignIns, key)], None).await;
        match taken.refusal(Limit::SignIns) {
            Some(failure) => Err(failure),
            None => Ok(Entered(Some((key, taken.mark)))),
        }
    }

    /// Begins a sign-in with an e-mail address: counts it as failed for the address until its outcome is known. So a
    /// hundred tries at once are no more than five. One that finds the address locked does not count for its network, up to
    /// twenty a minute.
    ///
    /// # Errors
    /// `ACCOUNT_LOCKED`, whether or not the address has an account.
    pub async fn begin_sign_in(
        &self,
        Entered(network): Entered,
        email: &str,
        device: Device,
    ) -> Result<Trial<'_>, Failure> {
        let Some(on) = &self.on else {
            return Ok(Trial::uncounted());
        };
        let key = on.keys.of(device.name(), &Who::Email(email));
        let taken = on.ask(&[], Some((device, key))).await;
        if taken.locked_ms == 0 {
            return Ok(Trial::counted(self, device, key, taken.mark));
        }
        if let Some((network, mark)) = network
            && on.given_back.take(network, on.now_ms()).retry_after_ms.is_none()
        {
            on.give_back(Limit::SignIns, network, mark).await;
        }
        Err(lock::locked(taken.locked_ms))
    }

    /// Forgets the failed sign-ins of an e-mail address, for an administrator who unlocks an account. Without Redis only
    /// those that this instance counted.
    pub async fn unlock(&self, email: &str) {
        let Some(on) = &self.on else { return };
        for device in [Device::Known, Device::Stranger] {
            on.succeed(device, on.keys.of(device.name(), &Who::Email(email)))
                .await;
        }
    }

    /// An account tries to reach a person by a login. Each person counts once an hour, so a mutation that runs again
    /// costs nothing. It never waits, because mutations are decided under locks: each instance counts alone.
    ///
    /// # Errors
    /// `RATE_LIMITED` with `retry_after_ms`.
    pub fn reach(&self, user: UserId, person: &str) -> Result<(), Failure> {
        let Some(on) = &self.on else { return Ok(()) };
        let (by, person) = (Who::from(user), Who::Email(person));
        let (by, person) = (on.keys.of("strangers", &by), on.keys.of("person", &person));
        on.people.take(by, person, on.now_ms())
    }
}

impl On {
    /// Milliseconds since the start.
    fn now_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Nanoseconds since the start.
    fn now_ns(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    /// Counts in all of these, or in none of them if one refuses.
    async fn ask(&self, windows: &[(Limit, Key)], failures: Option<(Device, Key)>) -> Taken {
        if let Some(shared) = &self.shared {
            let question = Question {
                windows: windows
                    .iter()
                    .map(|(limit, key)| (limit.name(), *key, *self.rules.of(*limit), 1))
                    .collect(),
                failures: failures.map(|(device, key)| (device.name(), key)),
            };
            if let Some(taken) = shared.take(&question).await {
                return self.count_beside(shared, &question, windows, taken).await;
            }
            metrics::counter!("taskwire_limits_alone_total").increment(1);
        }
        self.ask_memory(windows, failures)
    }

    /// What Redis let pass is counted here too: a Redis that forgets or lies lets no more pass on an instance than the
    /// limit. Failures are not: an unlocked account may fail again on every instance. What is refused here is taken back
    /// there.
    async fn count_beside(
        &self,
        shared: &Shared,
        question: &Question,
        windows: &[(Limit, Key)],
        mut taken: Taken,
    ) -> Taken {
        if taken.locked_ms > 0 || taken.windows.iter().any(|window| window.retry_after_ms.is_some()) {
            return taken;
        }
        let now_ms = self.now_ms();
        taken.mark.at_ms = now_ms;
        let mut counted: Vec<(Limit, Key)> = Vec::new();
        for ((limit, key), allowance) in windows.iter().zip(&mut taken.windows) {
            let here = self.windows[*limit as usize].take(*key, now_ms);
            if here.retry_after_ms.is_none() {
                counted.push((*limit, *key));
            }
            *allowance = allowance.and(here);
        }
        if counted.len() < windows.len() {
            for (limit, key) in counted {
                self.windows[limit as usize].give_back(key, now_ms);
            }
            let there = question.windows.iter().map(|(of, key, ..)| (*of, *key));
            if let Some(name) = taken.mark.shared {
                for (of, key) in there.chain(question.failures) {
                    shared.undo(of, key, name).await;
                }
            }
        }
        taken
    }

    fn ask_memory(&self, windows: &[(Limit, Key)], failures: Option<(Device, Key)>) -> Taken {
        let now_ms = self.now_ms();
        let mut taken = Taken {
            mark: Mark {
                at_ms: now_ms,
                shared: None,
            },
            ..Taken::default()
        };
        let mut counted: Vec<(Limit, Key)> = Vec::new();
        for (limit, key) in windows {
            let allowance = self.windows[*limit as usize].take(*key, now_ms);
            if allowance.retry_after_ms.is_none() {
                counted.push((*limit, *key));
            }
            taken.windows.push(allowance);
        }
        let mut refused = counted.len() < windows.len();
        if let (false, Some((device, key))) = (refused, failures) {
            taken.locked_ms = self.locks(device).begin(key, now_ms);
            refused = taken.locked_ms > 0;
        }
        if refused {
            for (limit, key) in counted {
                self.windows[limit as usize].give_back(key, now_ms);
            }
        }
        taken
    }

    /// Counts so many, whether or not there is room for them.
    async fn charge(&self, limit: Limit, key: Key, number: u32) {
        if let Some(shared) = &self.shared {
            let rule = Rule {
                number: u32::MAX,
                ..*self.rules.of(limit)
            };
            let question = Question {
                windows: vec![(limit.name(), key, rule, number)],
                failures: None,
            };
            // it is counted here too: Redis is not trusted
            let _ = shared.take(&question).await;
        }
        self.windows[limit as usize].charge(key, number, self.now_ms());
    }

    /// Takes back one that was counted, here and in Redis.
    async fn give_back(&self, limit: Limit, key: Key, mark: Mark) {
        if let (Some(shared), Some(name)) = (&self.shared, mark.shared) {
            shared.undo(limit.name(), key, name).await;
        }
        self.windows[limit as usize].give_back(key, mark.at_ms);
    }

    /// Forgets failures, also those that memory counted while Redis was away.
    async fn succeed(&self, device: Device, key: Key) {
        self.locks(device).succeed(key);
        if let Some(shared) = &self.shared {
            shared.succeed(device.name(), key).await;
        }
    }

    fn locks(&self, device: Device) -> &Locks {
        match device {
            Device::Known => &self.known,
            Device::Stranger => &self.strangers,
        }
    }
}

/// What was counted.
#[derive(Debug, Default)]
struct Taken {
    /// In the order of the question.
    windows: Vec<Allowance>,
    /// Milliseconds until the end of the account's lock; 0: it is not locked.
    locked_ms: u64,
    /// Finds the failure that was counted in advance.
    mark: Mark,
}

/// Where something was counted in advance.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// When, in memory. Failures are there only if Redis did not answer.
    at_ms: i64,
    /// The name in Redis, if that answered.
    shared: Option<u64>,
}

impl Taken {
    /// The failure, if the first window refused.
    fn refusal(&self, limit: Limit) -> Option<Failure> {
        self.windows
            .first()
            .and_then(|allowance| allowance.refusal(limit))
    }
}

#[cfg(test)]
mod tests;
