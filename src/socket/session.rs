//! Starts a request when its turn has come: passes it to the engine, or carries it out in the socket. `settling` acts
//! on the result. Knows neither bytes nor the order of requests.

use std::sync::Arc;

use taskwire_protocol::account::Authenticate;
use taskwire_protocol::{Access, ErrorCode, Failure, Kind, OpId, Request};

use super::long::Long;
use super::requests::{Asked, Outcome, State};
use super::settled::Settled;
use crate::engine::{self, Incoming, Sender};
use crate::follow::{Arrival, Follower, Registration, check_streams};
use crate::state::App;

/// Whether the client is authenticated.
pub(super) enum Stage {
    /// Not yet.
    Stranger(Box<Stranger>),
    /// The client is authenticated, and reads streams.
    Member(Box<Follower>),
}

/// A client that is not authenticated.
pub(super) struct Stranger {
    pub(super) from: engine::Origin,
    pub(super) refused_tokens: u8,
    /// A message that is longer than a stranger's usual ones.
    pub(super) long: Long,
}

impl Stage {
    /// Somebody who comes from there, and is not authenticated.
    pub(super) fn stranger(from: engine::Origin) -> Stage {
        Stage::Stranger(Box::new(Stranger {
            from,
            refused_tokens: 0,
            long: Long::No,
        }))
    }
}

/// Starts a request.
pub(super) fn begin(
    app: &Arc<App>,
    stage: &mut Stage,
    registration: &Registration,
    asked: &mut Asked,
    request: Request,
    op_id: Option<OpId>,
) -> State {
    match request {
        Request::Authenticate(params) => match stage {
            Stage::Stranger(_) => match check_streams(&params.streams, &app.settings) {
                Ok(()) => stage.open(app, registration, params, false),
                Err(failure) => refused(failure),
            },
            Stage::Member(_) => refused(Failure::new(
                ErrorCode::Conflict,
                "the socket is already authenticated; send auth.renew for a newer token",
            )),
        },
        request => match stage {
            Stage::Stranger(stranger) if request.access() == Access::Anyone => {
                let sender = Sender {
                    origin: stranger.from.clone(),
                    ..Sender::default()
                };
                dispatch(app, asked, request, op_id, sender)
            }
            Stage::Stranger(_) => refused(auth_required()),
            Stage::Member(follower) => begin_of_member(app, follower, registration, asked, request, op_id),
        },
    }
}

/// Starts a request of an authenticated client.
fn begin_of_member(
    app: &Arc<App>,
    follower: &mut Follower,
    registration: &Registration,
    asked: &mut Asked,
    request: Request,
    op_id: Option<OpId>,
) -> State {
    let may = follower
        .caller()
        .may(request.name(), request.kind(), request.access());
    if let Err(failure) = may {
        return refused(failure);
    }
    match request {
        Request::RenewAuth(params) => {
            let engine = app.engine.clone();
            let user = engine.limits().user(follower.caller().user.id);
            let doubt = engine.doubt(params.token.expose(), user);
            State::Session(Box::pin(async move {
                let identity = engine.authenticate(params.token.expose()).await;
                doubt.over();
                Settled::Renewed(identity)
            }))
        }
        Request::Subscribe(params) => settled(Settled::Subscribe(*params)),
        Request::Unsubscribe(params) => settled(Settled::Unsubscribe(*params)),
        Request::SetPresence(params) => settled(Settled::SetPresence(*params)),
        request => {
            asked.paused = match &request {
                Request::SyncUser(_) => Some(follower.caller().user.id.into()),
                Request::SyncWorkspace(sync) if sync.cursor.is_none() => Some(sync.workspace_id.into()),
                _ => None,
            };
            if let Some(stream) = asked.paused {
                follower.pause(stream);
            }
            let mut sender = Sender::known(follower.caller().clone());
            // for limits, the list of sessions and the audit line
            let is_of_accounts = matches!(request.access(), Access::User | Access::ServerAdmin);
            if is_of_accounts && request.kind() != Kind::Query {
                sender.origin.address = registration.address();
            }
            dispatch(app, asked, request, op_id, sender)
        }
    }
}

/// The answer to a socket that is not authenticated.
pub(super) fn auth_required() -> Failure {
    Failure::new(
        ErrorCode::AuthRequired,
        "authenticate first: send `auth` with a token",
    )
}

fn refused(failure: Failure) -> State {
    State::Done(Outcome::Refused(failure))
}

/// Passes a request to the engine's dispatcher.
fn dispatch(app: &App, asked: &Asked, request: Request, op_id: Option<OpId>, sender: Sender) -> State {
    State::Call(app.engine.dispatch(Incoming {
        request,
        op_id,
        sender,
        since: asked.since,
    }))
}

fn settled(settled: Settled) -> State {
    State::Done(Outcome::Settle(Box::new(settled)))
}

impl Stage {
    /// Starts to authenticate.
    pub(super) fn open(
        &self,
        app: &App,
        registration: &Registration,
        params: Box<Authenticate>,
        by_header: bool,
    ) -> State {
        let address = match self {
            Stage::Stranger(stranger) => stranger.from.address,
            Stage::Member(_) => None, // already authenticated
        };
        let payer = app.engine.limits().network(address);
        let doubt = app.engine.doubt(params.token.expose(), payer);
        let arrival = Arrival {
            params,
            address,
            network: app.admission.network(address),
            claim: registration.claim(),
            limit: app.settings.streams_per_socket,
        };
        let entrance = app.entrance.clone();
        State::Session(Box::pin(async move {
            let result = entrance.open(arrival).await;
            doubt.over();
            Settled::Opened { result, by_header }
        }))
    }
}
