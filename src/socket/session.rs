//! What the socket itself carries out: signing in, following streams, syncs. Decides by what the engine says who
//! may follow what. Does not know how bytes travel, nor the order of requests.

use std::sync::Arc;
use std::time::Duration;

use taskwire_protocol::account::{Authenticate, Renewed};
use taskwire_protocol::presence::SetPresence;
use taskwire_protocol::stream::{Subscribe, Unsubscribe};
use taskwire_protocol::{Access, CloseCode, ErrorCode, Failure, Kind, OpId, Request, Timestamp, UserId};
use tokio::time::Instant;

use super::connection::{Connection, End};
use super::following::log_unavailable;
use super::incoming::auth_required;
use super::registry::Seat;
use super::requests::{Asked, Outcome, State};
use super::welcome::check_streams;
use crate::engine::{self, Caller, Identity, Incoming, Reply, Sender, Then};
use crate::live::{Control, PresenceGuard, Subscriptions};
use crate::state::App;

/// Refused tokens of one socket, until it is closed.
const REFUSED_TOKENS: u8 = 3;

/// A token is looked at for so long at most, the wait for its turn included.
const LOOKED_AT: Duration = Duration::from_secs(15);

/// From when a session ended until the logout that ended it is answered, or is not waited for any more.
const LOGS_OUT_WITHIN: Duration = Duration::from_millis(500);

/// Who is on the other side.
pub(super) enum Stage {
    /// Nobody we know yet.
    Stranger(Box<Stranger>),
    /// Somebody who is signed in.
    Member(Box<Session>),
}

/// Somebody who has not authenticated.
pub(super) struct Stranger {
    pub(super) from: engine::Origin,
    pub(super) refused_tokens: u8,
}

/// Somebody who has.
pub(super) struct Session {
    pub(super) caller: Arc<Caller>,
    pub(super) expires_at: Timestamp,
    pub(super) subscriptions: Subscriptions,
    /// Workspaces that the user joins are followed too.
    pub(super) all: bool,
    /// The user's own stream is delivered, not only watched.
    pub(super) own: bool,
    /// Where the user is said to be.
    pub(super) presence: Option<Box<PresenceGuard>>,
}

/// What a request came to that the socket itself must act on.
pub(super) enum Settled {
    /// `auth`, by a frame or by the upgrade's header.
    Identified {
        result: Result<Identity, Failure>,
        params: Box<Authenticate>,
        by_header: bool,
    },
    /// `auth.renew`.
    Renewed(Result<Identity, Failure>),
    /// The dispatcher's reply, after which the socket has more to do than to send it.
    Replied(Result<Reply, Failure>),
    /// `stream.subscribe`.
    Subscribe(Subscribe),
    /// `stream.unsubscribe`.
    Unsubscribe(Unsubscribe),
    /// `presence.set`.
    SetPresence(SetPresence),
}

/// Begins to carry a request out.
pub(super) fn begin(
    app: &Arc<App>,
    stage: &mut Stage,
    seat: &Seat,
    asked: &mut Asked,
    request: Request,
    op_id: Option<OpId>,
) -> State {
    match request {
        Request::Authenticate(params) => match stage {
            Stage::Stranger(_) => match check_streams(&params.streams, &app.settings) {
                Ok(()) => identify(app, params, false),
                Err(failure) => refused(failure),
            },
            Stage::Member(_) => refused(Failure::new(ErrorCode::Conflict, "the socket is authenticated")),
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
            Stage::Member(session) => session.begin(app, seat, asked, request, op_id),
        },
    }
}

/// Begins to authenticate.
pub(super) fn identify(app: &Arc<App>, params: Box<Authenticate>, by_header: bool) -> State {
    let app = app.clone();
    State::Session(Box::pin(async move {
        let look = async {
            // in turn: a storm that all reads at once would let everybody's reads run out of time
            match app.turn().await {
                Some(_turn) => app.engine.authenticate(&params.token).await,
                None => Err(Failure::new(
                    ErrorCode::Unavailable,
                    "too many sockets at once; try again",
                )),
            }
        };
        let looked = tokio::time::timeout(LOOKED_AT, look).await;
        let result = looked.unwrap_or_else(|_| Err(log_unavailable()));
        Settled::Identified {
            result,
            params,
            by_header,
        }
    }))
}

fn refused(failure: Failure) -> State {
    State::Done(Outcome::Refused(failure))
}

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

impl Session {
    fn begin(
        &mut self,
        app: &Arc<App>,
        seat: &Seat,
        asked: &mut Asked,
        request: Request,
        op_id: Option<OpId>,
    ) -> State {
        let engine = app.engine.clone();
        match request {
            Request::RenewAuth(params) => State::Session(Box::pin(async move {
                Settled::Renewed(engine.authenticate(&params.token).await)
            })),
            Request::Subscribe(params) => settled(Settled::Subscribe(*params)),
            Request::Unsubscribe(params) => settled(Settled::Unsubscribe(*params)),
            Request::SetPresence(params) => settled(Settled::SetPresence(*params)),
            request => {
                asked.paused = match &request {
                    Request::SyncUser(_) => Some(self.caller.user.id.into()),
                    Request::SyncWorkspace(sync) if sync.cursor.is_none() => Some(sync.workspace_id.into()),
                    _ => None,
                };
                if let Some(stream) = asked.paused {
                    self.subscriptions.pause(stream);
                }
                let mut sender = Sender::known(self.caller.clone());
                if request.kind() == Kind::Session {
                    sender.origin.address = seat.address();
                }
                dispatch(app, asked, request, op_id, sender)
            }
        }
    }

    /// Streams that count against the limit: the user's own one does not while it is only watched.
    pub(super) fn follows(&self) -> usize {
        self.subscriptions.count() - usize::from(!self.own)
    }

    pub(super) fn user(&self) -> UserId {
        self.caller.user.id
    }
}

impl Connection {
    /// Acts on what a request came to.
    pub(super) async fn settle(&mut self, asked: Asked, settled: Settled) -> Result<(), End> {
        match settled {
            Settled::Identified {
                result,
                params,
                by_header,
            } => self.identified(asked, result, *params, by_header).await,
            Settled::Renewed(result) => {
                self.renewed(&asked, result);
                Ok(())
            }
            Settled::Replied(result) => {
                let ended = matches!(&result, Ok(reply) if reply.then == Then::EndSession);
                if ended || self.revoked {
                    self.answer(&asked, &result);
                    // what was sent behind the logout has nobody to speak for
                    return Err(session_ended());
                }
                self.synced(asked, result).await
            }
            Settled::Subscribe(params) => self.subscribe(&asked, &params).await,
            Settled::Unsubscribe(params) => self.unsubscribe(&asked, params.stream).await,
            Settled::SetPresence(params) => {
                self.set_presence(&asked, &params).await;
                Ok(())
            }
        }
    }

    async fn identified(
        &mut self,
        asked: Asked,
        result: Result<Identity, Failure>,
        params: Authenticate,
        by_header: bool,
    ) -> Result<(), End> {
        let failure = match result {
            Ok(identity) => match self.welcome(&asked, identity, params).await? {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        self.refuse(&asked, &failure);
        let refused = is_refusal(failure.code);
        if by_header {
            return Err(if refused {
                End::Close(CloseCode::Unauthenticated, "the token was refused")
            } else {
                End::Close(CloseCode::TryAgain, "not available just now")
            });
        }
        if let Stage::Stranger(stranger) = &mut self.stage {
            stranger.refused_tokens += u8::from(refused);
            if stranger.refused_tokens >= REFUSED_TOKENS {
                return Err(End::Close(
                    CloseCode::Unauthenticated,
                    "three tokens were refused",
                ));
            }
        }
        self.wait_for_token();
        Ok(())
    }

    fn renewed(&mut self, asked: &Asked, result: Result<Identity, Failure>) {
        let Stage::Member(session) = &mut self.stage else {
            return;
        };
        let same = |caller: &Caller| {
            caller.user.id == session.caller.user.id && caller.session == session.caller.session
        };
        match result {
            Ok(identity) if same(&identity.caller) => {
                let expires_at = identity.expires_at;
                session.caller = identity.caller;
                session.expires_at = expires_at;
                self.pulse.authenticated(moment(&self.app, expires_at));
                self.answer_with(asked, &Renewed { expires_at });
            }
            Ok(_) => {
                let message = "the token belongs to another user or session";
                self.refuse(asked, &Failure::new(ErrorCode::InvalidToken, message).at("token"));
            }
            Err(failure) => self.refuse(asked, &failure),
        }
    }

    /// Acts on what the user's own stream told.
    pub(super) async fn obey(&mut self, control: Control) -> Result<(), End> {
        let Stage::Member(session) = &mut self.stage else {
            return Ok(());
        };
        match control {
            Control::Granted { workspace, seq } => self.granted(workspace, seq).await,
            Control::SessionRevoked { session: revoked } if revoked == session.caller.session => {
                // a logout that this socket is carrying out is answered first; one that waits may wait for long
                self.revoked = self.requests.is_under_way("auth.logout");
                if !self.revoked {
                    return Err(session_ended());
                }
                self.pulse.revoked(Instant::now() + LOGS_OUT_WITHIN);
                self.timer = true;
                Ok(())
            }
            // its cursor is gone already
            Control::Lost { workspace } => {
                session.leave_presence(workspace);
                Ok(())
            }
            // another session ended
            Control::SessionRevoked { .. } => Ok(()),
            Control::AccountChanged => self.account_changed().await,
        }
    }

    async fn account_changed(&mut self) -> Result<(), End> {
        let Stage::Member(session) = &mut self.stage else {
            return Ok(());
        };
        let seen = session.subscriptions.told();
        match self.app.engine.home(&session.caller, seen).await {
            Ok(home) if home.user().is_active => {
                session.caller = home.caller();
                self.seat.speaks_for(session.caller.clone());
                Ok(())
            }
            // nobody tells it again, and what the account may do has changed; the client comes back as who it is now
            Err(failure) if failure.retryable => {
                tracing::warn!(user.id = %session.user(), "an account could not be read again: {}", failure.message);
                Err(End::Close(CloseCode::Dead, "the account could not be read again"))
            }
            Ok(_) | Err(_) => Err(End::Close(CloseCode::Revoked, "the account is not active")),
        }
    }
}

/// Whether this says that a token is no good; whatever else failed, it may be sent again.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidToken
            | ErrorCode::TokenExpired
            | ErrorCode::TokenRevoked
            | ErrorCode::AccountInactive
    )
}

pub(super) fn session_ended() -> End {
    End::Close(CloseCode::Revoked, "the session ended")
}

/// A time of the clock as one that timers take.
pub(super) fn moment(app: &App, at: Timestamp) -> Instant {
    let left_ms = at.0.saturating_sub(app.engine.clock().now_ms()).max(0);
    Instant::now() + Duration::from_millis(left_ms.unsigned_abs())
}
