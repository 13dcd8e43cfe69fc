//! The sockets of this instance, as the engine sees them. Does not know where they are kept.

use crate::ops::node::Whom;
use serde::{Deserialize, Serialize};
use taskwire_protocol::{SessionId, Timestamp, UserId};

/// The sockets of this instance.
pub trait Sockets: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The sockets of a user, or all of them, in the order of keys: at most `limit` after a key. And their total
    /// number.
    fn list(&self, user: Option<UserId>, after: Option<u64>, limit: usize) -> (Vec<Socket>, u64);

    /// Closes them with 4403.
    fn close(&self, whom: Whom);
}

/// A socket of somebody who is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Socket {
    /// Identifies the socket on its instance. A later socket has a greater key.
    pub key: u64,
    /// The session that it speaks for.
    pub session: SessionId,
    /// The account that it belongs to.
    pub user: taskwire_protocol::account::PublicUser,
    /// What the program said about itself, like `tw/0.1.0`.
    pub client: Option<String>,
    /// Where it comes from.
    pub address: Option<std::net::IpAddr>,
    /// When it was authenticated.
    pub since: Timestamp,
}
