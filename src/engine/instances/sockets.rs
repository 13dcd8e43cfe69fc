//! The sockets of this instance, as far as the engine reaches them. Does not know how they are held.

use crate::ops::node::Whom;
use serde::{Deserialize, Serialize};
use taskwire_protocol::{SessionId, Timestamp, UserId};

/// The sockets of this instance.
pub trait Sockets: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Those of a user, or all, after a key and in the order of keys; at most `limit`. And how many there are in all.
    fn list(&self, user: Option<UserId>, after: Option<u64>, limit: usize) -> (Vec<Socket>, u64);

    /// Closes them with 4403.
    fn close(&self, whom: Whom);
}

/// A socket of somebody who is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Socket {
    /// Tells it from the others of its instance; a later one has a greater key.
    pub key: u64,
    /// The session that it speaks for.
    pub session: SessionId,
    /// Whose it is.
    pub user: taskwire_protocol::account::PublicUser,
    /// What the program said about itself, like `tw/0.1.0`.
    pub client: Option<String>,
    /// Where it comes from.
    pub address: Option<std::net::IpAddr>,
    /// When it was authenticated.
    pub since: Timestamp,
}
