//! One request's way, as the socket and HTTP see it: authorize → handle → log → commit → publish. Does not know
//! frames, sockets or HTTP.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use taskwire_protocol::account::{GlobalRole, LogIn, PublicUser, SignUp, Tokens, User};
use taskwire_protocol::member::Role;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{
    ErrorCode, Failure, OpId, Request, SessionId, StreamId, Timestamp, UserId, WorkspaceId,
};

use crate::clock::Clock;
use crate::live::{Frame, Hub, Log, LogRange, LogUnavailable, Reading, RingLimits};

/// Carries requests out; clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Parts>);

struct Parts {
    hub: Arc<Hub>,
    epoch: Arc<str>,
    clock: Clock,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account, as others see it.
    pub user: PublicUser,
    /// The session of its token.
    pub session: SessionId,
    /// What it may do on the whole server.
    pub role: GlobalRole,
}

/// A token's owner, and until when.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// The answer to a query or mutation.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The inside of an ok frame after its id: `"at":{…},"data":{…}`, for a query `"data":{…}`.
    pub body: Arc<str>,
    /// It was done before.
    pub replayed: bool,
    /// First page of a sync: the stream to follow after this seq.
    pub subscribe: Option<(StreamId, u64)>,
}

/// What somebody who signs in sees first.
#[derive(Clone, Debug)]
pub struct Home {
    /// The account.
    pub user: User,
    /// Its workspaces, with the role in each.
    pub workspaces: Vec<Workspace>,
}

/// Where a sign-in came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address.
    pub address: Option<String>,
    /// The program.
    pub client: Option<String>,
}

/// How the database is.
#[derive(Clone, Debug)]
pub struct DatabaseHealth {
    /// Whether it answers.
    pub healthy: bool,
    /// How long it took.
    pub latency: Duration,
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
}

/// A log that does not answer.
struct NoLog;

impl Log for NoLog {
    fn range(&self, _: StreamId) -> Reading<'_, LogRange> {
        Box::pin(std::future::ready(Err(LogUnavailable)))
    }

    fn page(&self, _: StreamId, _: u64, _: usize) -> Reading<'_, Vec<(u64, Frame)>> {
        Box::pin(std::future::ready(Err(LogUnavailable)))
    }
}

fn unavailable() -> Failure {
    Failure::new(ErrorCode::Unavailable, "the engine is not there")
}

#[allow(
    clippy::unused_async,
    reason = "what takes their place waits for the database"
)]
impl Engine {
    /// An engine that refuses everything.
    pub fn absent(rings: RingLimits, clock: Clock) -> Engine {
        Engine(Arc::new(Parts {
            hub: Hub::new(Arc::new(NoLog), rings),
            epoch: "none".into(),
            clock,
        }))
    }

    /// A query or mutation. A mutation takes its place in the queue at the first poll.
    pub fn call(
        &self,
        _caller: &Arc<Caller>,
        _request: Request,
        _op_id: Option<OpId>,
    ) -> impl Future<Output = Result<Reply, Failure>> + Send + 'static {
        std::future::ready(Err(unavailable()))
    }

    /// The contract as JSON Schema.
    pub fn describe(&self) -> Arc<str> {
        "{}".into()
    }

    /// Whose token this is.
    pub async fn authenticate(&self, _token: &str) -> Result<Identity, Failure> {
        Err(unavailable())
    }

    /// The caller's account and workspaces.
    pub async fn home(&self, _caller: &Caller) -> Result<Home, Failure> {
        Err(unavailable())
    }

    /// A user's role in a workspace; `None` when they are no member.
    pub async fn role_in(&self, _user: UserId, _workspace: WorkspaceId) -> Result<Option<Role>, Failure> {
        Err(unavailable())
    }

    /// Makes an account.
    pub async fn sign_up(&self, _params: SignUp, _from: Origin) -> Result<Tokens, Failure> {
        Err(unavailable())
    }

    /// Signs in.
    pub async fn log_in(&self, _params: LogIn, _from: Origin) -> Result<Tokens, Failure> {
        Err(unavailable())
    }

    /// The next pair of tokens.
    pub async fn refresh(&self, _refresh_token: &str, _from: Origin) -> Result<Tokens, Failure> {
        Err(unavailable())
    }

    /// Ends the caller's session.
    pub async fn log_out(&self, _caller: &Caller) -> Result<(), Failure> {
        Err(unavailable())
    }

    /// Asks the database.
    pub async fn database_health(&self) -> DatabaseHealth {
        DatabaseHealth {
            healthy: false,
            latency: Duration::ZERO,
            kind: "none",
        }
    }

    /// The topics.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// Positions are valid in it.
    pub fn epoch(&self) -> Arc<str> {
        self.0.epoch.clone()
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}
