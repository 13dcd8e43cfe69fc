//! From a commit to every socket that watches its stream, and from a position back to the present.
//!
//! - `wakeup`         one per socket: the waker of its task, and the set of what happened since it last looked
//! - `ring`           the newest frames of one stream, contiguous up to its head, and the ones that came early
//! - `removals`       who was removed from a stream, and where that ends their reading
//! - `chatter`        the newest signals of one stream, kept for a moment
//! - `topic`          a stream that somebody here watches: its ring and who watches
//! - `hub`            stream → topic; publish and watch
//! - `fan_out`        the one task that marks watchers
//! - `flight`         many who want the same read of the log at the same time share one
//! - `page`           a page of the log, checked, for cursors that fell out of a ring
//! - `cursor`         a socket's position in one stream, and reading on from it
//! - `subscriptions`  one per socket: its cursors
//! - `deliver`        feeding what lies beyond the cursors into an outlet
//! - `presence`       who is there and who is typing, here and on other instances
//! - `control`        what a user's own stream tells the server itself
//! - `log`            what live asks of the durable log
//! - `bus`            the seam to other instances, and Redis below it
//! - `heads`          comparing heads with the log: what other instances said and nobody here heard
//! - `meters`         the metrics
//!
//! A socket is a cursor, not a queue: its memory is constant whatever the load. There is no channel to a socket, no
//! lock held over an await, no allocation per delivery, and a writer never waits for a socket.

mod bus;
mod chatter;
mod control;
mod cursor;
mod deliver;
mod fan_out;
mod flight;
mod heads;
mod hub;
mod log;
mod meters;
mod page;
mod presence;
mod removals;
mod ring;
mod subscriptions;
#[cfg(test)]
mod tests;
mod topic;
mod wakeup;

pub use bus::{Alone, BadAddress, Bus, BusHealth, Note, Redis, RedisOptions};
pub use control::Control;
pub use deliver::{Delivered, Outlet, Stop};
pub(crate) use flight::Flights;
pub use hub::{Hub, Published, RingLimits};
pub use log::{Log, LogRange, LogUnavailable, Reading};
pub use presence::{PresenceGuard, Presences};
pub use subscriptions::{Joined, Mode, Start, Subscriptions};
pub use wakeup::{Dirty, Wakeup};

/// An encoded event frame; clones share memory. It begins
/// `{"type":"event","stream":"KIND:ID","seq":N,"event":"NAME",` in this key order, and must own its bytes alone: a
/// slice of a larger buffer would keep all of it in the ring.
pub type Frame = tokio_tungstenite::tungstenite::Utf8Bytes;

/// Locks. A panic elsewhere leaves nothing half-done behind these locks, so poison means nothing here.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
