//! What a transport hands in with a request: who sends it, from where, and how a refresh token reaches them. Sockets,
//! `/v1/rpc` and `/v1/auth/…` all use these types.

use super::Caller;
use std::net::IpAddr;
use std::sync::Arc;
use taskwire_protocol::{ErrorCode, Failure, OpId, Request};
use tokio::time::Instant;

/// A request as a transport hands it in.
#[derive(Debug)]
pub struct Incoming {
    /// The operation and its parameters.
    pub request: Request,
    /// The client's id of the mutation.
    pub op_id: Option<OpId>,
    /// Who sends it.
    pub sender: Sender,
    /// When it arrived, for the metrics.
    pub since: Instant,
}

/// Who sends a request.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// The owner of the token. `None`: a stranger, who may sign in and read the contract.
    pub caller: Option<Arc<Caller>>,
    /// Where the request comes from.
    pub origin: Origin,
    /// How a refresh token reaches the client.
    pub delivery: Delivery,
    /// The id of the request. `None`: it gets one if it fails.
    pub request_id: Option<Arc<str>>,
}

/// Where a request comes from: what the list of sessions shows.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The client program, such as `tw/0.1.0`.
    pub client: Option<Arc<str>>,
}

/// How a refresh token reaches the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// In the reply.
    #[default]
    Body,
    /// In a cookie, which the transport sets.
    Cookie,
}

impl Incoming {
    /// A request that arrives now.
    pub fn now(request: Request, op_id: Option<OpId>, sender: Sender) -> Incoming {
        Incoming {
            request,
            op_id,
            sender,
            since: Instant::now(),
        }
    }
}

impl Sender {
    /// A sender whose token was accepted.
    pub fn known(caller: Arc<Caller>) -> Sender {
        Sender {
            caller: Some(caller),
            ..Sender::default()
        }
    }

    /// The owner of the token.
    pub(super) fn caller(&self) -> Result<Arc<Caller>, Failure> {
        self.caller.clone().ok_or_else(unknown)
    }
}

/// The refusal of a stranger.
pub(super) fn unknown() -> Failure {
    Failure::new(ErrorCode::AuthRequired, "authenticate first")
}
