//! A reader of streams without its transport: identify, welcome, resume, join and leave, what is delivered, and what
//! ends it. The socket is its first user; server-sent events come next.
//!
//! - `entrance`   lets a reader in: checks its token, counts its user's readers, makes the welcome
//! - `opening`    the streams of a new reader, and from where each goes on
//! - `welcome`    what a new reader is told first
//! - `follower`   a welcomed reader: who it is, and delivering to it
//! - `joining`    which streams it follows, by request, by a sync, by access that was granted
//! - `orders`     what the user's own stream tells it to do
//! - `presence`   where it says that its user is
//! - `registry`   all readers of the node: counts, drain; `handle` reaches one, `census` lists and kicks them,
//!   `admission` bounds new ones
//! - `close`      why a reader is closed
//!
//! Imports `engine` and `live`. Names no transport, writes no frame of its own and keeps no timer.
//!
//! # Who owns what
//!
//! | part | owns |
//! |---|---|
//! | the transport | bytes, frames as text, the order of requests, deadlines, the task |
//! | `follow` | who reads, which streams, the presence, the entry in the registry, the close code and its reason |
//! | `live` | cursors, rings, the wakeup |
//! | `engine` | who a token speaks for, who may read what |
//!
//! # What a transport does
//!
//! 1. [`Admission::admit`], then [`Registry::enter`]: a [`Registration`], held as long as the reader.
//! 2. [`Entrance::open`]: the [`Opened`] reader with its welcome, or a [`Rejection`].
//! 3. On every wake of its task, by [`Follower::wakeup`] or by a page of the log that arrived: [`Follower::deliver`] into
//!    an [`Outlet`](crate::live::Outlet), which gets events with their stream and seq, and signals.
//! 4. [`Follower::obey`] for what delivering found in the user's own stream; [`Registration::order`] on a nudge.
//! 5. On a [`Close`]: says its code and reason, and drops the follower and the registration.
//!
//! What server-sent events need is all here: [`Opened::welcome`] for `event: welcome`; the outlet's two methods for
//! `event: event` and `event: signal`; [`Follower::position`] and what the outlet is told for `id:`, which comes back
//! as [`Authenticate::resume`](taskwire_protocol::account::Authenticate::resume); [`Close`] for `event: close`;
//! [`Follower::expires_at`] with [`Close::TOKEN_ENDED`] for the end with the token. Webhooks and push are no readers
//! that come: they are jobs with a stored position, and read pages of the same log.
//!
//! # The way of a resume position
//!
//! Four hold it, one after another:
//!
//! 1. `Authenticate::resume`: what the client says. It stays in its box from the frame (or header) to the welcome.
//! 2. `live::Start`: where one stream is to be joined.
//! 3. `live::Cursor::seq`: where the reader stands, from then on.
//! 4. `live::PageKey::after`: what the log is asked for when the ring no longer holds it.

mod admission;
mod census;
mod close;
mod entrance;
mod follower;
mod handle;
mod joining;
mod opening;
mod orders;
mod presence;
mod registry;
mod welcome;

pub use admission::{Admission, NotAdmitted};
pub use close::{Close, Rejection};
pub use entrance::{Arrival, Entrance, Opened};
pub use follower::{Follower, Interruption};
pub use handle::Order;
pub use opening::check_streams;
pub use orders::Obeyed;
pub use registry::{Claim, Registration, Registry};

use taskwire_protocol::{ErrorCode, Failure};

/// The log did not answer.
fn log_unavailable() -> Failure {
    Failure::new(ErrorCode::Unavailable, "the database did not answer")
}

#[cfg(test)]
mod tests;
