//! Lets readers in: checks the token, counts the user's readers, joins the streams, makes the welcome. Limits how many
//! are let in at the same time, so that a storm of readers does not slow down all of their reads, and lets networks take
//! turns. Does not know the transport.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use taskwire_protocol::account::Authenticate;
use taskwire_protocol::frames::Welcome;
use taskwire_protocol::{ErrorCode, Failure, Timestamp};

use super::close::{Close, Rejection};
use super::follower::Follower;
use super::handle::Owner;
use super::log_unavailable;
use super::opening::Opening;
use super::places::{Place, Places};
use super::registry::{Claim, TooMany};
use super::welcome::welcome;
use crate::auth::limits::Network;
use crate::config::Settings;
use crate::engine::{Attempt, Engine, Identity};

/// How many readers are identified or welcomed at the same time: each reads its session and its user's workspaces, and
/// joins topics.
const AT_ONCE: u32 = 64;
/// A reader waits this long for its turn.
const TURN: Duration = Duration::from_secs(10);
/// The check of a token may take this long, the wait for its turn included.
const IDENTIFIED_WITHIN: Duration = Duration::from_secs(15);

/// Lets the readers of a node in.
#[derive(Debug)]
pub struct Entrance {
    engine: Engine,
    settings: Arc<Settings>,
    turns: Arc<Places>,
}

/// A reader that has not been let in yet.
pub struct Arrival {
    /// Its token, the streams that it asks for, and its positions in them. [`super::check_streams`] has accepted them.
    pub params: Box<Authenticate>,
    /// The address that it connects from.
    pub address: Option<IpAddr>,
    /// The network whose turn it takes; `None`: it does not count.
    pub network: Option<Network>,
    /// Gives its entry in the registry an owner.
    pub claim: Claim,
    /// How many streams it may follow.
    pub limit: usize,
}

/// A reader that was let in.
pub struct Opened {
    /// The first message to its client.
    pub welcome: Welcome,
    pub follower: Follower,
    /// How long before its token's end its client is to be told.
    pub notice: Duration,
}

impl Entrance {
    /// The entrance of a node.
    pub fn new(engine: Engine, settings: Arc<Settings>) -> Entrance {
        Entrance {
            engine,
            settings,
            // one network may have all of them while no other waits
            turns: Places::new(AT_ONCE, AT_ONCE),
        }
    }

    /// Lets a reader in. After a refusal its client may retry with another token.
    pub async fn open(&self, arrival: Arrival) -> Result<Box<Opened>, Rejection> {
        arrival.claim.asks(true);
        let identity = self
            .identify(arrival.params.token.expose(), arrival.network)
            .await;
        let identity = identity.inspect_err(|failure| {
            arrival.claim.asks(false);
            Attempt::by_token(arrival.address).refused(failure);
        })?;
        // boxed: a future that checks a token must not be as large as one that makes a welcome
        Box::pin(self.let_in(identity, arrival)).await
    }

    async fn identify(&self, token: &str, network: Option<Network>) -> Result<Identity, Failure> {
        let check = async {
            match self.turn(network).await {
                Some(_turn) => self.engine.authenticate(token).await,
                None => Err(Failure::new(
                    ErrorCode::Unavailable,
                    "too many sockets at once; try again",
                )),
            }
        };
        let checked = tokio::time::timeout(IDENTIFIED_WITHIN, check).await;
        checked.unwrap_or_else(|_| Err(log_unavailable()))
    }

    async fn let_in(&self, mut identity: Identity, arrival: Arrival) -> Result<Box<Opened>, Rejection> {
        let Arrival {
            params,
            address,
            network,
            claim,
            limit,
        } = arrival;
        let settings = &self.settings;
        let most = if settings.rate_limit_enabled {
            settings.sockets_per_user
        } else {
            usize::MAX
        };
        let now = Timestamp(self.engine.clock().now_ms());
        let owner = Owner::new(identity.caller.clone(), params.client.as_ref(), address, now);
        claim.belongs_to(owner, most).map_err(|too_many| match too_many {
            TooMany::OfUser => Close::TOO_MANY_OF_USER,
            TooMany::Strangers => Close::TOO_MANY,
        })?;
        let Some(_turn) = self.turn(network).await else {
            return Err(Close::TOO_MANY.into());
        };
        let mut opening = Opening::new(&self.engine, &identity, params.resume.as_ref(), limit);
        let home = opening.follow_all(&mut identity, &params.streams).await?;
        let mut opened = opening.done();
        let welcome = welcome(settings, &self.engine, &identity, home.user(), limit, &mut opened);
        let notice = identity.notice();
        let follower = Follower::new(identity, opened, &params.streams, limit);
        Ok(Box::new(Opened {
            welcome,
            follower,
            notice,
        }))
    }

    /// Waits for a turn to be identified or welcomed; `None` when that takes too long, because many others wait.
    async fn turn(&self, network: Option<Network>) -> Option<Place> {
        let turn = tokio::time::timeout(TURN, self.turns.clone().take(network)).await;
        turn.ok()?
    }
}
