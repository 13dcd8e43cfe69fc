//! What faults disturb, and when they last did. A client that judges a server by time allows for it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const SECOND: u64 = 1_000_000_000;
/// How long a part of the world needs to recover after a disturbance.
const RECOVERS: u64 = 8 * SECOND;

/// One part of the world. Times are by `Shared::now`; 0 for never.
#[derive(Default)]
pub(crate) struct Unrest {
    /// Faults that disturb it now.
    active: AtomicU64,
    last: AtomicU64,
}

impl Unrest {
    /// Something disturbs it until [`Unrest::end`].
    pub(crate) fn begin(&self) {
        self.active.fetch_add(1, Relaxed);
    }

    /// What began is over.
    pub(crate) fn end(&self, now: u64) {
        self.touch(now);
        self.active.fetch_sub(1, Relaxed);
    }

    /// It is disturbed at this moment.
    pub(crate) fn touch(&self, now: u64) {
        self.last.fetch_max(now, Relaxed);
    }

    /// When it was last disturbed: `now` while something disturbs it.
    pub(crate) fn last(&self, now: u64) -> u64 {
        match self.active.load(Relaxed) {
            0 => self.last.load(Relaxed),
            _ => now,
        }
    }

    /// Whether it has been at rest since `at`, and for some time before it.
    pub(crate) fn rested(&self, at: u64, now: u64) -> bool {
        let last = self.last(now);
        last == 0 || last + RECOVERS < at
    }
}

/// All parts.
#[derive(Default)]
pub(crate) struct Disturbed {
    pub(crate) redis: Unrest,
    pub(crate) postgres: Unrest,
    /// The clock of an instance.
    pub(crate) clock: Unrest,
    /// A process that is stopped.
    pub(crate) stopped: Unrest,
    /// The greatest recent lag of this program, in nanoseconds.
    pub(crate) lag: AtomicU64,
}

impl Disturbed {
    /// How long the end of a session may take to reach all sockets: 1 s with Redis. 3.5 s without, because instances then
    /// compare heads, or when the first answer was lost with its instance (`repeated`), which then told nobody. A process
    /// that was stopped has this time from its waking on; and so has everybody from the return of PostgreSQL on, if Redis
    /// was disturbed too.
    pub(crate) fn grace(&self, at: u64, repeated: bool, now: u64) -> u64 {
        let calm = self.redis.rested(at, now) && !repeated;
        let usual = if calm { SECOND } else { SECOND * 7 / 2 };
        let stopped = self.stopped.last(now);
        let postgres = if calm { 0 } else { self.postgres.last(now) };
        let from = at.max(stopped).max(postgres);
        from - at + usual + 4 * self.lag.load(Relaxed)
    }
}
