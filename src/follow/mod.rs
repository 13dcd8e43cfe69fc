//! A reader of streams, whatever its transport: authenticates it, resumes, joins and leaves streams, delivers events,
//! and decides when it ends. Its transports are WebSockets and server-sent events (`socket`).
//!
//! - `entrance`   lets a reader in: checks its token, counts its user's readers, makes the welcome
//! - `opening`    the streams of a new reader, and where each starts
//! - `welcome`    the first message to a new reader; `shorten` keeps it below a frame
//! - `follower`   a welcomed reader: its account, and delivery to it
//! - `joining`    the streams that it follows: by request, after a sync, or because access was granted
//! - `orders`     acts on control in the user's own stream
//! - `presence`   sets the presence of its user
//! - `registry`   all readers of the node: counts, drain; `handle` reaches one, `census` lists and kicks them
//! - `admission`  limits new ones: `rates` how fast they come, `strangers` how many have no owner, `places` what only some
//!   may do at a time
//! - `close`      why a reader is closed
//!
//! Imports `engine` and `live`. Names no transport, writes no frames and has no timers.
//!
//! # Who owns what
//!
//! | part | owns |
//! |---|---|
//! | the transport | bytes, frames as text, the order of requests, deadlines, the task |
//! | `follow` | the account, the streams, the presence, the entry in the registry, the close code and its reason |
//! | `live` | cursors, rings, the wakeup |
//! | `engine` | the account of a token, and the streams that it may read |
//!
//! # What a transport does
//!
//! 1. Calls [`Admission::admit`], then [`Registry::enter`]. Holds the [`Registration`] as long as the reader lives.
//! 2. Calls [`Entrance::open`], which returns the [`Opened`] reader with its welcome, or a [`Rejection`].
//! 3. Calls [`Follower::deliver`] on every wake of its task, by [`Follower::wakeup`] or by a page of the log that
//!    arrived. The [`Outlet`](crate::live::Outlet) gets events with their stream and seq, and signals.
//! 4. Calls [`Follower::obey`] for control that was found in the user's own stream, and [`Registration::order`] on a
//!    nudge.
//! 5. On a [`Close`], sends its code and reason, and drops the follower and the registration.
//!
//! Webhooks and push are no readers: they are jobs with a stored position that read pages of the same log.
//!
//! # The path of a resume position
//!
//! Four types hold it, one after another:
//!
//! 1. `Authenticate::resume`: the positions that the client sent. They stay in their box from the frame (or header) to
//!    the welcome.
//! 2. `live::Start`: the position at which to join one stream.
//! 3. `live::Cursor::seq`: the reader's position from then on.
//! 4. `live::PageKey::after`: the position from which to read the log when the ring no longer has the entries.

mod admission;
mod census;
mod close;
mod entrance;
mod follower;
mod handle;
mod joining;
mod opening;
mod orders;
mod places;
mod presence;
mod rates;
mod registry;
mod shorten;
mod strangers;
mod welcome;

pub use admission::{Admission, NotAdmitted};
pub use close::{Close, Rejection};
pub use entrance::{Arrival, Entrance, Opened};
pub use follower::{Follower, Interruption};
pub use handle::Order;
pub use opening::check_streams;
pub use orders::Obeyed;
pub use places::{Place, Places};
pub use registry::{Claim, Registration, Registry};

use taskwire_protocol::{ErrorCode, Failure};

fn log_unavailable() -> Failure {
    Failure::new(ErrorCode::Unavailable, "the database did not answer")
}

#[cfg(test)]
mod tests;
