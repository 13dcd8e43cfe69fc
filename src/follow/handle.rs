//! Reaches a reader's task: orders are stored here, and a nudge wakes the task.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskwire_protocol::{CloseCode, Timestamp};

use crate::engine::Caller;
use crate::live::Wakeup;

/// The first reader that is told of a restart reconnects after this many milliseconds.
const FIRST_MS: u64 = 100;

/// The orders for a reader's task, its wakeup, and its owner.
pub(super) struct Handle {
    /// Changes once, when the reader gets its subscriptions.
    wakeup: Mutex<Arc<Wakeup>>,
    owner: Mutex<Option<Owner>>,
    /// 0 for none; otherwise one more than the milliseconds that the client must wait.
    goodbye: AtomicU32,
    /// 0 for none; otherwise the code to close with.
    close: AtomicU16,
}

/// The account of a reader, its client program, and the address that it connects from.
pub(super) struct Owner {
    pub(super) caller: Arc<Caller>,
    /// The name and version that the program sent.
    pub(super) client: Option<Box<str>>,
    pub(super) address: Option<IpAddr>,
    /// When it was authenticated.
    pub(super) since: Timestamp,
}

/// An order to a reader's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Announce the restart to the client.
    Goodbye { reconnect_after_ms: u64 },
    /// Finish what is under way and close.
    Close(CloseCode),
}

impl Handle {
    pub(super) fn new(wakeup: Arc<Wakeup>) -> Handle {
        Handle {
            wakeup: Mutex::new(wakeup),
            owner: Mutex::new(None),
            goodbye: AtomicU32::new(0),
            close: AtomicU16::new(0),
        }
    }

    /// The reader's owner; `None` until it was let in.
    pub(super) fn owner(&self) -> MutexGuard<'_, Option<Owner>> {
        lock(&self.owner)
    }

    /// Orders the close. A close for a restart does not replace an earlier order: that client would reconnect.
    pub(super) fn close_with(&self, code: CloseCode) {
        let next = |before| (before == 0 || code != CloseCode::Restart).then_some(code.code());
        // an error only means that the earlier order stays
        let _before = self.close.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        self.nudge();
    }

    /// Orders the announcement of the restart: the client reconnects after `FIRST_MS` plus this delay.
    pub(super) fn say_goodbye(&self, delay_ms: u64) {
        let stored = u32::try_from(FIRST_MS + delay_ms + 1).unwrap_or(u32::MAX);
        self.goodbye.store(stored, Ordering::Release);
    }

    /// Wakes the task, so that it takes its orders.
    pub(super) fn nudge(&self) {
        let wakeup = lock(&self.wakeup).clone();
        wakeup.nudge();
    }

    /// From now on nudges use this wakeup.
    pub(super) fn nudge_by(&self, wakeup: Arc<Wakeup>) {
        *lock(&self.wakeup) = wakeup;
        if self.goodbye.load(Ordering::Acquire) != 0 || self.close.load(Ordering::Acquire) != 0 {
            self.nudge();
        }
    }

    /// Takes the next order.
    pub(super) fn order(&self) -> Option<Order> {
        match self.goodbye.swap(0, Ordering::AcqRel) {
            0 => {}
            delay => {
                return Some(Order::Goodbye {
                    reconnect_after_ms: u64::from(delay - 1),
                });
            }
        }
        CloseCode::from_code(self.close.swap(0, Ordering::AcqRel)).map(Order::Close)
    }
}

/// Locks, and ignores poison: no code panics while it holds one of these locks, and the counts would still be usable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
