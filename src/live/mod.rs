//! Carries each commit to every reader that watches its stream, and brings a reader from an older position to the head.
//!
//! - `wakeup`         one per reader: the waker of its task, and bits for what happened since the task last looked
//! - `ring`           the newest frames of one stream, contiguous up to its head, and frames that arrived early
//! - `removals`       which users were removed from a stream, and the seq at which their access ends
//! - `chatter`        the newest signals of one stream, kept for a second
//! - `topic`          a stream that a reader here watches: its ring; `watchers` has the readers to wake
//! - `hub`            stream → topic: publish; `watch` adds a watcher, `reads` reads the log for many at once
//! - `fan_out`        the one task that marks watchers
//! - `flight`         shares one read among all callers that ask for the same data at the same time
//! - `page`           a page of the log, checked, for cursors whose next entry has left the ring
//! - `cursor`         a reader's position in one stream; reads what follows it
//! - `subscriptions`  one per reader: its cursors; `join` decides where a new one starts
//! - `deliver`        feeds the entries after the cursors into an outlet
//! - `presence`       who is present and who is typing, here and on other instances
//! - `stats`          tells watchers that statistics changed, at most once a second
//! - `control`        the events in a user's own stream that the server itself acts on
//! - `log`            the reads of the durable log that `live` needs
//! - `bus`            the interface to other instances; `redis` implements it
//! - `heads`          compares heads with the log, to find commits of other instances whose messages were lost
//! - `meters`         the metrics
//!
//! A reader (for example a socket) has cursors, not a queue: its memory is constant, whatever the load. There is no
//! channel to a reader, no lock is held over an await, a delivery allocates nothing, and a writer never waits for a
//! reader.

mod bus;
mod chatter;
mod control;
mod cursor;
mod deliver;
mod fan_out;
mod flight;
mod heads;
mod hub;
mod join;
mod log;
mod meters;
mod page;
mod presence;
mod reads;
pub(crate) mod redis;
mod removals;
mod ring;
mod stats;
mod subscriptions;
#[cfg(test)]
mod tests;
mod topic;
mod wakeup;
mod watch;
mod watchers;

pub use bus::{Alone, Bus, BusHealth, Note, Published};
pub use control::Control;
pub(crate) use cursor::BITE;
pub use cursor::Mode;
pub use deliver::{Delivered, Outlet, Stop};
pub(crate) use flight::Flights;
pub use hub::{Hub, RingLimits};
pub use join::{Joined, Start};
pub use log::{Log, LogRange, LogUnavailable, Reading};
pub use presence::{PresenceGuard, Presences};
pub use redis::{BadAddress, Redis, RedisOptions, client as redis_client};
pub use stats::StatsSignals;
pub use subscriptions::Subscriptions;
pub use wakeup::{Dirty, Wakeup};

/// An encoded event frame; clones share memory. It begins
/// `{"type":"event","stream":"KIND:ID","seq":N,"event":"NAME",` in this key order. It must own its buffer: a slice of
/// a larger buffer would keep that whole buffer in memory while the ring has the frame.
pub type Frame = tokio_tungstenite::tungstenite::Utf8Bytes;

/// Locks, and ignores poison: a panic leaves no half-done change behind these locks.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
