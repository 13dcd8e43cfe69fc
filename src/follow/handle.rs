//! How a reader's task is reached: what it was told stands here, and its wakeup is nudged.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskwire_protocol::{CloseCode, Timestamp};

use crate::engine::Caller;
use crate::live::Wakeup;

/// The first reader that is told to go comes back after this many milliseconds.
const FIRST_MS: u64 = 100;

/// How a reader's task is reached.
pub(super) struct Handle {
    /// Changes once, when the reader gets its subscriptions.
    wakeup: Mutex<Arc<Wakeup>>,
    owner: Mutex<Option<Owner>>,
    /// 0 for none; otherwise how many milliseconds the client is to wait, plus 1.
    goodbye: AtomicU32,
    /// 0 for none; otherwise the code to close with.
    close: AtomicU16,
}

/// The account behind a reader, and where it connects from.
pub(super) struct Owner {
    pub(super) caller: Arc<Caller>,
    /// What the program said about itself.
    pub(super) client: Option<Box<str>>,
    pub(super) address: Option<IpAddr>,
    /// When it was authenticated.
    pub(super) since: Timestamp,
}

/// What a reader was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Announce the restart.
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

    /// Orders the close. A close for a restart does not replace another one: its client would come back.
    pub(super) fn close_with(&self, code: CloseCode) {
        let next = |told| (told == 0 || code != CloseCode::Restart).then_some(code.code());
        // an error says that the order before stays
        let _told = self.close.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        self.nudge();
    }

    /// Announces the restart: the client comes back after `FIRST_MS` and this delay.
    pub(super) fn say_goodbye(&self, delay_ms: u64) {
        let stored = u32::try_from(FIRST_MS + delay_ms + 1).unwrap_or(u32::MAX);
        self.goodbye.store(stored, Ordering::Release);
    }

    /// Wakes the task: something stands here for it.
    pub(super) fn nudge(&self) {
        let wakeup = lock(&self.wakeup).clone();
        wakeup.nudge();
    }

    /// Nudges go to this wakeup from now on.
    pub(super) fn nudge_by(&self, wakeup: Arc<Wakeup>) {
        *lock(&self.wakeup) = wakeup;
        if self.goodbye.load(Ordering::Acquire) != 0 || self.close.load(Ordering::Acquire) != 0 {
            self.nudge();
        }
    }

    /// The next thing that the reader was told, once.
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

/// Nothing panics while it holds one of these locks; if it did, the counts would still be usable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
