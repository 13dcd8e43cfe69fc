//! From a commit to every reader that watches its stream, and from a position back to the present.
//!
//! - `wakeup`         one per reader: the waker of its task, and the set of what happened since it last looked
//! - `ring`           the newest frames of one stream, contiguous up to its head, and the ones that came early
//! - `removals`       who was removed from a stream, and where that ends their reading
//! - `chatter`        the newest signals of one stream, kept for a moment
//! - `topic`          a stream that somebody here watches: its ring; `watchers` who watches it
//! - `hub`            stream → topic: publish; `watch` watching a stream, `reads` reading the log for many at once
//! - `fan_out`        the one task that marks watchers
//! - `flight`         one read for all who want the same at the same time
//! - `page`           a page of the log, checked, for cursors that fell out of a ring
//! - `cursor`         a reader's position in one stream, and reading on from it
//! - `subscriptions`  one per reader: its cursors; `join` where a new one stands
//! - `deliver`        feeding what lies beyond the cursors into an outlet
//! - `presence`       who is there and who is typing, here and on other instances
//! - `control`        what a user's own stream tells the server itself
//! - `log`            what live asks of the durable log
//! - `bus`            the seam to other instances, and Redis below it
//! - `heads`          compares heads with the log: finds what other instances committed and this one did not hear of
//! - `meters`         the metrics
//!
//! A reader (a socket, say) is a cursor, not a queue: its memory is constant, whatever the load. There is no channel to
//! a reader, no lock is held over an await, a delivery allocates nothing, and a writer never waits for a reader.

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
mod removals;
mod ring;
mod subscriptions;
#[cfg(test)]
mod tests;
mod topic;
mod wakeup;
mod watch;
mod watchers;

pub use bus::{Alone, BadAddress, Bus, BusHealth, Note, Redis, RedisOptions};
pub use control::Control;
pub use deliver::{Delivered, Outlet, Stop};
pub(crate) use flight::Flights;
pub use hub::{Hub, Published, RingLimits};
pub use join::{Joined, Start};
pub use log::{Log, LogRange, LogUnavailable, Reading};
pub use presence::{PresenceGuard, Presences};
pub use subscriptions::{Mode, Subscriptions};
pub use wakeup::{Dirty, Wakeup};

/// An encoded event frame; clones share memory. It begins
/// `{"type":"event","stream":"KIND:ID","seq":N,"event":"NAME",` in this key order, and must own its bytes alone: a
/// slice of a larger buffer would keep all of it in the ring.
pub type Frame = tokio_tungstenite::tungstenite::Utf8Bytes;

/// Locks, and ignores poison: no panic leaves a half-done change behind these locks.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
