//! Bounds of what a client may send before it is authenticated, and the place that a long message of it has. `unknown` keeps
//! them.

use std::future::Future;
use std::pin::Pin;

use tokio::time::Instant;

use crate::follow::Place;

/// A message larger than `frame_bytes`, up to this many times, is refused with an error; a larger one closes the
/// socket.
pub(super) const ANSWERED: usize = 4;
/// So many bytes may arrive before a message is complete.
pub(super) const SHORT: usize = 8 * 1024;
/// The most bytes of a frame that is no `auth`.
pub(super) const SHORT_FRAME: usize = 4 * 1024;

/// A message that is longer than [`SHORT`].
#[derive(Default)]
pub(super) enum Long {
    /// There is none.
    #[default]
    No,
    /// It waits for a place.
    Waiting(Pin<Box<dyn Future<Output = Option<Place>> + Send>>),
    /// It has a place.
    Placed(Box<Placed>),
}

/// A long message that has a place.
pub(super) struct Placed {
    pub(super) place: Place,
    /// It is larger than a frame may be, and is refused once it is complete.
    pub(super) is_oversize: bool,
    /// When it must be complete.
    pub(super) ends: Instant,
    /// The transport's count of reads when its deadline was set.
    pub(super) reads: u32,
}
