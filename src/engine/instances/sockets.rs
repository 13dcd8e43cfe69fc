//! The sockets of this instance, as the engine sees them. Does not know where they are kept.

use crate::engine::Caller;
use crate::ops::node::Whom;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;
use taskwire_protocol::{SessionId, Timestamp, UserId};

/// The sockets of this instance.
pub trait Sockets: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The sockets of a user, or of all users, sorted by key: at most `limit` of them, after the key `after`. And how
    /// many there are in total.
    fn list(&self, user: Option<UserId>, after: Option<u64>, limit: usize) -> (Vec<Socket>, u64);

    /// The users who are signed in on a socket.
    fn users(&self) -> HashSet<UserId>;

    /// Who has each socket of a user who is signed in.
    fn callers(&self) -> Vec<Arc<Caller>>;

    /// Closes the sockets of a user or a session with code 4403.
    fn close(&self, whom: Whom);
}

/// A socket of a user who is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Socket {
    /// Identifies the socket on its instance. A later socket has a greater key.
    pub key: u64,
    /// The session of the socket.
    pub session: SessionId,
    /// The account to which the socket belongs.
    pub user: taskwire_protocol::account::PublicUser,
    /// The client program by its own statement, such as `tw/0.1.0`.
    pub client: Option<String>,
    /// The address of the client.
    pub address: Option<std::net::IpAddr>,
    /// When the socket was authenticated.
    pub since: Timestamp,
}
