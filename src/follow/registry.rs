//! All readers of this node: counts them, counts those of each user, and orders all of them to announce a restart or to
//! close. A reader's `handle` stores the orders. Does not know frames.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use taskwire_protocol::{CloseCode, UserId};
use tokio_util::task::TaskTracker;

use super::handle::{Handle, Order, Owner, lock};
use super::strangers::{Bounds, Strangers};
use crate::auth::limits::Network;
use crate::engine::Caller;
use crate::live::Wakeup;

/// How many readers are told to close at a time: if all close at once, all reconnect at once.
const BATCH: usize = 256;
/// Clients reconnect spread over at least this many milliseconds. With more readers than this, one reconnects each
/// millisecond, as far as the time to drain allows.
const SPREAD_MS: u64 = 500;
/// The pause between two batches.
const BETWEEN: Duration = Duration::from_millis(10);

/// All readers of this node.
#[derive(Default)]
pub struct Registry {
    readers: Mutex<Readers>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Readers {
    /// Over how many milliseconds clients reconnect; `None` before the goodbye.
    spread_ms: Option<u64>,
    /// All readers are being closed, and new ones are closed too.
    closing: bool,
    next: u64,
    handles: HashMap<u64, Arc<Handle>>,
    per_user: HashMap<UserId, usize>,
    strangers: Strangers<Arc<Handle>>,
}

/// A reader's entry in the registry, until it is dropped.
pub struct Registration {
    registry: Arc<Registry>,
    key: u64,
    handle: Arc<Handle>,
}

/// Gives a reader's entry its owner while the reader is being let in. It does not outlive the registration's holder.
pub struct Claim {
    registry: Arc<Registry>,
    key: u64,
    handle: Arc<Handle>,
}

/// Why a reader gets no owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TooMany {
    /// The user has as many readers as they may.
    OfUser,
    /// It was told to leave for others before its token was checked.
    Strangers,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("sockets", &self.count())
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// The tasks of readers. The server waits for them at its end.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// How many readers there are, including those not yet authenticated.
    pub fn count(&self) -> usize {
        self.lock().handles.len()
    }

    /// How many users have a reader here.
    pub fn users(&self) -> usize {
        self.lock().per_user.len()
    }

    /// Tells every reader that the node restarts. Each gets a different delay, so that they do not all reconnect at the
    /// same moment. The more readers there are, the longer the time over which they are spread, up to `within`.
    pub fn goodbye(&self, within: Duration) {
        let (handles, spread_ms) = {
            let mut readers = self.lock();
            let most = (within.as_millis() as u64).max(SPREAD_MS);
            let spread_ms = (readers.handles.len() as u64).clamp(SPREAD_MS, most);
            readers.spread_ms = Some(spread_ms);
            let handles: Vec<_> = readers.handles.values().cloned().collect();
            (handles, spread_ms)
        };
        let count = handles.len() as u64;
        for (place, handle) in (0..).zip(&handles) {
            // random within its own part: with enough milliseconds, no two readers have the same delay
            let (from, to) = (place * spread_ms / count, (place + 1) * spread_ms / count);
            handle.say_goodbye(from + jitter(to - from));
            handle.nudge();
        }
    }

    /// Tells every reader to finish what is under way and to close for a restart, in batches, and waits for their
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

    /// Whether another reader may enter. Readers without an owner may be told to leave for it, if networks count.
    pub(super) fn has_room_for(&self, network: Option<Network>, bounds: Bounds) -> bool {
        let mut readers = self.lock();
        let open = readers.handles.len();
        let Some(network) = network else {
            return open < bounds.most;
        };
        readers.strangers.make_room(network, bounds, open, |handle| {
            metrics::counter!("taskwire_sockets_displaced_total").increment(1);
            handle.close_with(CloseCode::TryAgain);
        })
    }

    /// A new reader, without an owner yet. `None`: its network does not count.
    pub fn enter(self: &Arc<Self>, wakeup: Arc<Wakeup>, network: Option<Network>) -> Registration {
        let handle = Arc::new(Handle::new(wakeup));
        let mut readers = self.lock();
        if let Some(spread_ms) = readers.spread_ms {
            handle.say_goodbye(jitter(spread_ms));
            handle.nudge();
        }
        if readers.closing {
            handle.close_with(CloseCode::Restart);
        }
        readers.next += 1;
        let key = readers.next;
        readers.handles.insert(key, handle.clone());
        if let Some(network) = network {
            readers.strangers.enter(network, key, handle.clone());
        }
        metrics::gauge!("taskwire_sockets").set(readers.handles.len() as f64);
        Registration {
            registry: self.clone(),
            key,
            handle,
        }
    }

    /// Calls `look` for each reader with an owner. A later reader has a greater key.
    pub(super) fn each(&self, mut look: impl FnMut(u64, &Arc<Handle>, &Owner)) {
        let readers = self.lock();
        for (key, handle) in &readers.handles {
            if let Some(owner) = &*handle.owner() {
                look(*key, handle, owner);
            }
        }
    }

    fn handles(&self) -> Vec<Arc<Handle>> {
        self.lock().handles.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Readers> {
        lock(&self.readers)
    }
}

impl Readers {
    fn leave(&mut self, user: UserId) {
        if let Some(count) = self.per_user.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.per_user.remove(&user);
            }
        }
    }
}

impl Claim {
    /// Its token is being checked, or was checked in vain.
    pub(super) fn asks(&self, asks: bool) {
        self.registry.lock().strangers.asks(self.key, asks);
    }

    /// Gives the reader its owner. Refused when the user has `most` readers already.
    pub(super) fn belongs_to(&self, owner: Owner, most: usize) -> Result<(), TooMany> {
        let mut readers = self.registry.lock();
        if !readers.strangers.known(self.key) {
            return Err(TooMany::Strangers);
        }
        // an earlier attempt may have failed after it set the owner
        if let Some(before) = self.handle.owner().take() {
            readers.leave(before.caller.user.id);
        }
        let count = readers.per_user.entry(owner.caller.user.id).or_default();
        if *count >= most {
            return Err(TooMany::OfUser);
        }
        *count += 1;
        *self.handle.owner() = Some(owner);
        Ok(())
    }
}

impl Registration {
    /// A claim, which gives the entry its owner.
    pub fn claim(&self) -> Claim {
        Claim {
            registry: self.registry.clone(),
            key: self.key,
            handle: self.handle.clone(),
        }
    }

    /// The address that the reader connects from, once it has an owner.
    pub fn address(&self) -> Option<IpAddr> {
        self.handle.owner().as_ref()?.address
    }

    /// Updates the owner's account after it changed.
    pub(super) fn speaks_for(&self, caller: Arc<Caller>) {
        if let Some(owner) = &mut *self.handle.owner() {
            owner.caller = caller;
        }
    }

    /// From now on nudges use this wakeup.
    pub fn nudge_by(&self, wakeup: Arc<Wakeup>) {
        self.handle.nudge_by(wakeup);
    }

    /// Takes the next order for the reader.
    pub fn order(&self) -> Option<Order> {
        self.handle.order()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut readers = self.registry.lock();
        readers.handles.remove(&self.key);
        readers.strangers.left(self.key);
        if let Some(owner) = self.handle.owner().take() {
            readers.leave(owner.caller.user.id);
        }
        metrics::gauge!("taskwire_sockets").set(readers.handles.len() as f64);
    }
}

/// A random delay below `ms`.
fn jitter(ms: u64) -> u64 {
    u64::from(rand::random::<u32>()) % ms.max(1)
}

#[cfg(test)]
pub(super) mod tests;
