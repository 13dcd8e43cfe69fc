//! The meter: everything has a cost, and one pays for it: the user, or the network of who is not signed in. Each has one
//! purse for all ways in. Costs that are known first are refused when it has too little; those that are known after the
//! work are owed. Does not know what costs how much (`units`), nor whether there are other instances.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use taskwire_protocol::{Failure, UserId};
use tokio::sync::Notify;

use super::allowance::refused;
use super::bounded::Bounded;
use super::purse::{Purse, Rate, Whose};
use super::who::{Key, Who};
use super::{Limits, On, Options};

/// The most users with a purse in the map. One more has a purse of its own beside it: nobody pays for somebody else.
const USERS: usize = 1_000_000;
/// The most networks with purses of their own. More share some: a stranger has as many networks as it likes.
const NETWORKS: usize = 100_000;
/// The most purses that wait until the other instances are told. What the others spend is not counted by them.
const WAITING: usize = 1024;

/// So much of what an empty purse does not refuse passes a second, and at once, by one session or token: enough to end many
/// sessions one by one, and too little to keep a server busy.
const SPARE: (u32, u32) = (1, 60);

/// Who pays. A socket keeps it, so that a frame looks nobody up. `None`: nobody, because limits are off.
#[derive(Clone, Debug, Default)]
pub struct Payer(Option<Arc<Purse>>);

const _: () = assert!(size_of::<Payer>() <= 8);

/// All purses of a node.
#[derive(Debug)]
pub(super) struct Meter {
    of_users: Rate,
    of_networks: Rate,
    of_spares: Rate,
    users: Bounded<Slot>,
    /// What users' readers spend on pages of the log: it slows these down, and refuses nothing.
    readers: Bounded<Slot>,
    networks: Bounded<Slot>,
    /// What sessions and tokens spent while the purse of their user or network was empty.
    spares: Bounded<Slot>,
    /// Purses that spent so much that the other instances should know; `None`: there are no others.
    pub(super) untold: Option<Untold>,
}

/// A place for a purse.
#[derive(Debug, Default)]
struct Slot(Option<Arc<Purse>>);

impl Slot {
    /// Whether nobody needs it: it is full, and no socket has it.
    fn is_over(&self, now_ns: i64) -> bool {
        self.0
            .as_ref()
            .is_none_or(|purse| Arc::strong_count(purse) == 1 && purse.is_full(now_ns))
    }

    fn purse(&mut self, whose: Whose, key: Key) -> Arc<Purse> {
        let new = || Arc::new(Purse::new(whose, key));
        self.0.get_or_insert_with(new).clone()
    }
}

/// Purses that wait until the other instances are told.
#[derive(Debug, Default)]
pub(super) struct Untold {
    waiting: Mutex<Vec<Arc<Purse>>>,
    pub(super) news: Notify,
}

impl Untold {
    fn add(&self, purse: &Arc<Purse>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING {
            waiting.push(purse.clone());
            self.news.notify_one();
        } else {
            purse.tell(); // it begins anew, and finds a place at another time
        }
    }

    pub(super) fn take(&self) -> Vec<Arc<Purse>> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Meter {
    pub(super) fn new(options: &Options) -> Meter {
        Meter {
            of_users: Rate::new(options.user_ops.0, options.user_ops.1),
            of_networks: Rate::new(options.address_ops.0, options.address_ops.1),
            of_spares: Rate::new(SPARE.0, SPARE.1),
            users: Bounded::new(USERS),
            readers: Bounded::new(USERS),
            networks: Bounded::new(NETWORKS),
            spares: Bounded::new(USERS),
            untold: None,
        }
    }

    pub(super) fn rate(&self, purse: &Purse) -> &Rate {
        match purse.whose {
            Whose::User => &self.of_users,
            Whose::Network => &self.of_networks,
            Whose::Spare => &self.of_spares,
        }
    }

    fn pay(&self, purse: &Arc<Purse>, units: u32, now_ns: i64) {
        let rate = self.rate(purse);
        purse.pay(rate, units, now_ns);
        if let Some(untold) = &self.untold
            && purse.remember(rate, units)
        {
            untold.add(purse);
        }
    }

    #[cold]
    fn refusal(&self, purse: &Purse, wait_ns: i64) -> Failure {
        let (of, what) = match purse.whose {
            Whose::User | Whose::Spare => ("user", "operations of this account"),
            Whose::Network => ("address", "operations from this address"),
        };
        metrics::counter!("taskwire_limited_total", "limit" => of).increment(1);
        let wait_ms = wait_ns.unsigned_abs().div_ceil(1_000_000);
        refused(of, what, self.rate(purse).per_second, wait_ms)
    }
}

/// A purse that is shared with nobody.
fn own(on: &On, purses: &Bounded<Slot>, purpose: &str, whose: Whose, who: Who<'_>) -> Payer {
    let (key, now_ns) = (on.keys.of(purpose, &who), on.now_ns());
    let own = purses.own(key, now_ns / 1_000_000, |slot| slot.is_over(now_ns));
    Payer(Some(match own {
        Some(mut slot) => slot.purse(whose, key),
        None => Arc::new(Purse::new(whose, key)),
    }))
}

fn of_user(on: &On, purses: &Bounded<Slot>, purpose: &str, user: UserId) -> Payer {
    own(on, purses, purpose, Whose::User, user.into())
}

fn of_network(on: &On, address: IpAddr) -> Payer {
    let (key, now_ns) = (on.keys.of("address_ops", &Who::from(address)), on.now_ns());
    let mut slot = on
        .meter
        .networks
        .of(key, now_ns / 1_000_000, |slot| slot.is_over(now_ns));
    let key = *slot.key(); // that of a shared place, perhaps
    Payer(Some(slot.purse(Whose::Network, key)))
}

/// The meter.
impl Limits {
    /// A user pays.
    pub fn user(&self, user: UserId) -> Payer {
        let on = self.on.as_deref();
        on.map_or(Payer(None), |on| of_user(on, &on.meter.users, "user_ops", user))
    }

    /// A network pays.
    pub fn network(&self, address: Option<IpAddr>) -> Payer {
        let on = self.on.as_deref().zip(address);
        on.map_or(Payer(None), |(on, address)| of_network(on, address))
    }

    /// Charges what is about to be done, or refuses it; then nothing is charged.
    ///
    /// # Errors
    /// `RATE_LIMITED` with `retry_after_ms`.
    #[inline]
    pub fn spend(&self, payer: &Payer, units: u32) -> Result<(), Failure> {
        let (Some(on), Payer(Some(purse))) = (&self.on, payer) else {
            return Ok(());
        };
        let now_ns = on.now_ns();
        match purse.wait_ns(on.meter.rate(purse), units, now_ns) {
            0 => {
                on.meter.pay(purse, units, now_ns);
                Ok(())
            }
            wait_ns => Err(on.meter.refusal(purse, wait_ns)),
        }
    }

    /// Charges what must also pass when the purse is empty: it is owed then. The session or token by which it comes has a
    /// small purse for that, so it passes so often, and no other session or token is kept out.
    ///
    /// # Errors
    /// `RATE_LIMITED` with `retry_after_ms`: both purses are empty. It tells of the payer's purse.
    pub fn insist(&self, payer: &Payer, units: u32, by: Who<'_>) -> Result<(), Failure> {
        let (Some(on), Payer(Some(purse))) = (&self.on, payer) else {
            return Ok(());
        };
        let now_ns = on.now_ns();
        let wait_ns = purse.wait_ns(on.meter.rate(purse), units, now_ns);
        if wait_ns > 0
            && let Payer(Some(spare)) = own(on, &on.meter.spares, "spare", Whose::Spare, by)
        {
            match spare.wait_ns(on.meter.rate(&spare), 1, now_ns) {
                0 => on.meter.pay(&spare, 1, now_ns),
                spare_ns => return Err(on.meter.refusal(purse, spare_ns.min(wait_ns))),
            }
        }
        on.meter.pay(purse, units, now_ns);
        Ok(())
    }

    /// Charges what was done before its cost was known, or must not be refused: what comes next may have to wait.
    pub fn owe(&self, payer: &Payer, units: u32) {
        if let (Some(on), Payer(Some(purse)), 1..) = (&self.on, payer, units) {
            on.meter.pay(purse, units, on.now_ns());
        }
    }

    /// The purse from which a user's readers pay for pages of the log. It is no other's: a reader that catches up takes
    /// nothing from what its user may do.
    pub fn reader(&self, user: UserId) -> Payer {
        let on = self.on.as_deref();
        on.map_or(Payer(None), |on| of_user(on, &on.meter.readers, "pages", user))
    }

    /// Charges one, which may be done after these milliseconds. Who comes next has a later time.
    pub fn queue(&self, payer: &Payer) -> u64 {
        let (Some(on), Payer(Some(purse))) = (&self.on, payer) else {
            return 0;
        };
        let now_ns = on.now_ns();
        let wait_ns = purse.wait_ns(on.meter.rate(purse), 1, now_ns);
        on.meter.pay(purse, 1, now_ns);
        wait_ns.unsigned_abs().div_ceil(1_000_000)
    }

    /// Whether anything is charged.
    pub fn are_on(&self) -> bool {
        self.on.is_some()
    }
}
