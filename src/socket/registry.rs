//! All sockets of this node: how many, whose, and how to tell them all to say goodbye or to close. Does not know
//! frames; what a socket is told stands in its handle, and its wakeup is nudged.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use taskwire_protocol::{CloseCode, Timestamp, UserId};
use tokio_util::task::TaskTracker;

use crate::engine::Caller;
use crate::live::Wakeup;

/// Sockets that are told to close at a time: closing all at once would bring them all back at once.
const BATCH: usize = 256;
/// The first one comes back after so many milliseconds.
const FIRST_MS: u64 = 100;
/// Over how many milliseconds clients come back, at least; with more sockets than this it is one each millisecond,
/// until they would take longer than the node may.
const SPREAD_MS: u64 = 500;
/// Between two batches.
const BETWEEN: Duration = Duration::from_millis(10);

/// All sockets of this node.
#[derive(Default)]
pub struct Registry {
    sockets: Mutex<Sockets>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Sockets {
    /// Goodbye was said; over how many milliseconds sockets come back.
    spread_ms: Option<u64>,
    /// Who comes now came too late.
    closing: bool,
    next: u64,
    handles: HashMap<u64, Arc<Handle>>,
    per_user: HashMap<UserId, usize>,
}

/// How a socket's task is reached.
pub(super) struct Handle {
    /// Changes once, when the socket gets its subscriptions.
    wakeup: Mutex<Arc<Wakeup>>,
    owner: Mutex<Option<Owner>>,
    /// 0, or how many milliseconds the client is to wait, plus 1.
    goodbye: AtomicU32,
    /// 0, or the code to close with.
    close: AtomicU16,
}

/// Whose a socket is, and where it comes from.
pub(super) struct Owner {
    pub(super) caller: Arc<Caller>,
    /// What the program said about itself.
    pub(super) client: Option<Box<str>>,
    pub(super) address: Option<IpAddr>,
    /// When it was authenticated.
    pub(super) since: Timestamp,
}

/// What a socket was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Announce the restart.
    Goodbye { reconnect_after_ms: u64 },
    /// Finish what is under way and close.
    Close(CloseCode),
}

/// A socket's place in the registry, given up when it is dropped.
pub(super) struct Seat {
    registry: Arc<Registry>,
    key: u64,
    handle: Arc<Handle>,
}

/// The user has as many sockets as they may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("sockets", &self.count())
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// The tasks of sockets: the server waits for them.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// How many sockets there are, those not yet authenticated included.
    pub fn count(&self) -> usize {
        self.lock().handles.len()
    }

    /// How many users have a socket here.
    pub fn users(&self) -> usize {
        self.lock().per_user.len()
    }

    /// Tells every socket that the node restarts, with a delay of its own each, so that they do not all come back
    /// in the same moment: the more there are, the wider they are spread, but not over more than `within`.
    pub fn goodbye(&self, within: Duration) {
        let (handles, spread_ms) = {
            let mut sockets = self.lock();
            let most = (within.as_millis() as u64).max(SPREAD_MS);
            let spread_ms = (sockets.handles.len() as u64).clamp(SPREAD_MS, most);
            sockets.spread_ms = Some(spread_ms);
            let handles: Vec<_> = sockets.handles.values().cloned().collect();
            (handles, spread_ms)
        };
        let count = handles.len() as u64;
        for (place, handle) in (0..).zip(&handles) {
            // shaken within its own part: as long as there are milliseconds enough, no two have the same delay
            let (from, to) = (place * spread_ms / count, (place + 1) * spread_ms / count);
            handle.say_goodbye(from + shaken(to - from));
            handle.nudge();
        }
    }

    /// Tells every socket to finish what is under way and to close for a restart, in batches, and waits for their
    /// tasks; the caller bounds the wait.
    pub async fn close_all(&self) {
        self.lock().closing = true;
        self.tasks.close();
        for batch in self.handles().chunks(BATCH) {
            for handle in batch {
                handle.close_with(CloseCode::Restart);
            }
            tokio::time::sleep(BETWEEN).await;
        }
        self.tasks.wait().await;
    }

    /// A new socket, whoever it belongs to.
    pub(super) fn enter(self: &Arc<Self>, wakeup: Arc<Wakeup>) -> Seat {
        let handle = Arc::new(Handle {
            wakeup: Mutex::new(wakeup),
            owner: Mutex::new(None),
            goodbye: AtomicU32::new(0),
            close: AtomicU16::new(0),
        });
        let mut sockets = self.lock();
        if let Some(spread_ms) = sockets.spread_ms {
            handle.say_goodbye(shaken(spread_ms));
            handle.nudge();
        }
        if sockets.closing {
            handle.close_with(CloseCode::Restart);
        }
        sockets.next += 1;
        let key = sockets.next;
        sockets.handles.insert(key, handle.clone());
        metrics::gauge!("taskwire_sockets").set(sockets.handles.len() as f64);
        Seat {
            registry: self.clone(),
            key,
            handle,
        }
    }

    /// Looks at each socket, by its key: a later one has a greater key.
    pub(super) fn each(&self, mut look: impl FnMut(u64, &Arc<Handle>, &Owner)) {
        let sockets = self.lock();
        for (key, handle) in &sockets.handles {
            if let Some(owner) = &*lock(&handle.owner) {
                look(*key, handle, owner);
            }
        }
    }

    fn handles(&self) -> Vec<Arc<Handle>> {
        self.lock().handles.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Sockets> {
        lock(&self.sockets)
    }
}

impl Sockets {
    fn leave(&mut self, user: UserId) {
        if let Some(count) = self.per_user.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.per_user.remove(&user);
            }
        }
    }
}

impl Handle {
    /// Whoever is to be closed for a restart comes back; so nobody who was told to leave is told that instead.
    pub(super) fn close_with(&self, code: CloseCode) {
        let next = |told| (told == 0 || code != CloseCode::Restart).then_some(code.code());
        // that it stays as it is is no error
        let _told = self.close.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        self.nudge();
    }

    fn say_goodbye(&self, delay_ms: u64) {
        let stored = u32::try_from(FIRST_MS + delay_ms + 1).unwrap_or(u32::MAX);
        self.goodbye.store(stored, Ordering::Release);
    }

    fn nudge(&self) {
        let wakeup = lock(&self.wakeup).clone();
        wakeup.nudge();
    }
}

impl Seat {
    /// The socket belongs to a user from now on. Refused when they have `most` sockets already.
    pub(super) fn belongs_to(&self, owner: Owner, most: usize) -> Result<(), TooMany> {
        let mut sockets = self.registry.lock();
        // an earlier welcome may have failed after this
        if let Some(before) = lock(&self.handle.owner).take() {
            sockets.leave(before.caller.user.id);
        }
        let count = sockets.per_user.entry(owner.caller.user.id).or_default();
        if *count >= most {
            return Err(TooMany);
        }
        *count += 1;
        *lock(&self.handle.owner) = Some(owner);
        Ok(())
    }

    /// Where the socket comes from, once it belongs to somebody.
    pub(super) fn address(&self) -> Option<IpAddr> {
        lock(&self.handle.owner).as_ref()?.address
    }

    /// The owner's account changed.
    pub(super) fn speaks_for(&self, caller: Arc<Caller>) {
        if let Some(owner) = &mut *lock(&self.handle.owner) {
            owner.caller = caller;
        }
    }

    /// Nudges go to this wakeup from now on.
    pub(super) fn nudge_by(&self, wakeup: Arc<Wakeup>) {
        *lock(&self.handle.wakeup) = wakeup;
        if self.has_orders() {
            self.handle.nudge();
        }
    }

    fn has_orders(&self) -> bool {
        self.handle.goodbye.load(Ordering::Acquire) != 0 || self.handle.close.load(Ordering::Acquire) != 0
    }

    /// The next thing that the socket was told, once.
    pub(super) fn order(&self) -> Option<Order> {
        match self.handle.goodbye.swap(0, Ordering::AcqRel) {
            0 => {}
            delay => {
                return Some(Order::Goodbye {
                    reconnect_after_ms: u64::from(delay - 1),
                });
            }
        }
        CloseCode::from_code(self.handle.close.swap(0, Ordering::AcqRel)).map(Order::Close)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut sockets = self.registry.lock();
        sockets.handles.remove(&self.key);
        if let Some(owner) = lock(&self.handle.owner).take() {
            sockets.leave(owner.caller.user.id);
        }
        metrics::gauge!("taskwire_sockets").set(sockets.handles.len() as f64);
    }
}

/// A delay below `ms`.
fn shaken(ms: u64) -> u64 {
    u64::from(rand::random::<u32>()) % ms.max(1)
}

/// Nothing panics while it holds one of these locks; if it did, the counts would still be usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use taskwire_protocol::account::{GlobalRole, PublicUser};
    use taskwire_protocol::{SessionId, WorkspaceId};
    use uuid::Uuid;

    pub(in crate::socket) fn wakeup() -> Arc<Wakeup> {
        Arc::new(Wakeup::new(UserId(Uuid::nil())))
    }

    /// A socket of user `n`, in session `session`.
    pub(in crate::socket) fn owner(n: u128, session: u128) -> Owner {
        let user = PublicUser {
            id: UserId(Uuid::from_u128(n)),
            username: "somebody".into(),
            name: "Somebody".into(),
            photo_url: None,
        };
        Owner {
            caller: Arc::new(Caller::new(
                user,
                SessionId(Uuid::from_u128(session)),
                GlobalRole::User,
                WorkspaceId(Uuid::nil()),
            )),
            client: None,
            address: None,
            since: Timestamp(0),
        }
    }

    #[test]
    fn a_users_sockets_are_counted_until_they_are_gone() {
        let registry = Arc::new(Registry::default());
        let seats: Vec<_> = (0..3).map(|_| registry.enter(wakeup())).collect();
        assert_eq!(seats[0].belongs_to(owner(1, 1), 2), Ok(()));
        assert_eq!(seats[1].belongs_to(owner(1, 1), 2), Ok(()));
        assert_eq!(seats[2].belongs_to(owner(1, 1), 2), Err(TooMany));
        assert_eq!((registry.count(), registry.users()), (3, 1));
        drop(seats);
        assert_eq!((registry.count(), registry.users()), (0, 0));
    }

    #[test]
    fn every_socket_is_told_another_delay() {
        let registry = Arc::new(Registry::default());
        let seats: Vec<_> = (0..100).map(|_| registry.enter(wakeup())).collect();
        registry.goodbye(Duration::from_secs(20));
        let mut delays: Vec<_> = seats.iter().map(delay).collect();
        delays.sort_unstable();
        delays.dedup();
        assert_eq!(delays.len(), 100);
    }

    fn delay(seat: &Seat) -> u64 {
        match seat.order() {
            Some(Order::Goodbye { reconnect_after_ms }) => reconnect_after_ms,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_more_sockets_the_wider_they_are_spread_but_not_beyond_the_drain() {
        let longest = |sockets: usize, within: u64| {
            let registry = Arc::new(Registry::default());
            let seats: Vec<_> = (0..sockets).map(|_| registry.enter(wakeup())).collect();
            registry.goodbye(Duration::from_millis(within));
            seats.iter().map(delay).max()
        };
        assert!(longest(10, 20_000).is_some_and(|ms| (450..=600).contains(&ms)));
        assert!(longest(4000, 20_000).is_some_and(|ms| (4090..=4100).contains(&ms)));
        assert!(longest(4000, 1000).is_some_and(|ms| (1050..=1100).contains(&ms)));
    }

    #[tokio::test]
    async fn who_is_kicked_is_not_asked_to_come_back() {
        let registry = Arc::new(Registry::default());
        let seats = [registry.enter(wakeup()), registry.enter(wakeup())];
        seats[0].handle.close_with(CloseCode::Revoked);
        registry.close_all().await;
        seats[1].handle.close_with(CloseCode::Revoked);
        let kicked = Some(Order::Close(CloseCode::Revoked));
        assert_eq!([seats[0].order(), seats[1].order()], [kicked, kicked]);
    }

    #[tokio::test]
    async fn whoever_comes_too_late_is_told_too() {
        let registry = Arc::new(Registry::default());
        registry.goodbye(Duration::from_secs(20));
        let late = registry.enter(wakeup());
        assert!((100..700).contains(&delay(&late)));
        registry.close_all().await;
        let later = registry.enter(wakeup());
        assert!((100..700).contains(&delay(&later)));
        assert_eq!(later.order(), Some(Order::Close(CloseCode::Restart)));
    }
}
