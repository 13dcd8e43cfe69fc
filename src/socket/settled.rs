//! The results of requests that the socket itself must act on.

use taskwire_protocol::Failure;
use taskwire_protocol::presence::SetPresence;
use taskwire_protocol::stream::{Subscribe, Unsubscribe};

use crate::engine::{Identity, Reply};
use crate::follow::{Opened, Rejection};

/// A result of a request that the socket itself must act on.
pub(super) enum Settled {
    /// `auth`, by a frame or by the upgrade's header.
    Opened {
        result: Result<Box<Opened>, Rejection>,
        by_header: bool,
    },
    /// `auth.renew`.
    Renewed(Result<Identity, Failure>),
    /// The dispatcher's reply, when the socket must do more than send it.
    Replied(Result<Reply, Failure>),
    /// `stream.subscribe`.
    Subscribe(Subscribe),
    /// `stream.unsubscribe`.
    Unsubscribe(Unsubscribe),
    /// `presence.set`.
    SetPresence(SetPresence),
}
