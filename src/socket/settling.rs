//! What the socket itself must do after a request: sign in or out, follow a stream, set a presence. Also acts on
//! control in its user's own stream. `follow` knows what these mean; this module sends the answers.

use std::time::Duration;

use taskwire_protocol::account::Renewed;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::stream::{NotFollowed, Reason};
use taskwire_protocol::{CloseCode, ErrorCode, Failure, Request, Timestamp, signals};
use tokio::time::Instant;

use super::connection::{Connection, End};
use super::requests::Asked;
use super::session::{Stage, auth_required};
use super::settled::Settled;
use crate::auth::limits::units::{self, is_none_of_ours};
use crate::engine::{self, NewSession, Reply, Then};
use crate::follow::{Close, Obeyed, Opened, Rejection};
use crate::live::Control;
use crate::reply::frames;
use crate::state::App;

/// After this many refused tokens a socket is closed.
const REFUSED_TOKENS: u8 = 3;

/// How long a socket whose session ended waits for the answer to its logout.
const LOGS_OUT_WITHIN: Duration = Duration::from_millis(500);

/// The operations that may end the socket's own session. Each is answered before the socket closes or changes over.
const ENDS_THE_SESSION: [&str; 4] = [
    "auth.logout",
    "auth.logout_all",
    "auth.revoke_session",
    "auth.change_password",
];

impl Connection {
    /// Acts on the result of a request.
    pub(super) async fn settle(&mut self, asked: Asked, settled: Settled) -> Result<(), End> {
        match settled {
            Settled::Opened {
                result: Ok(opened),
                by_header: _,
            } => {
                self.welcome(&asked, *opened);
                Ok(())
            }
            Settled::Opened {
                result: Err(Rejection::Closed(close)),
                by_header: _,
            } => Err(close.into()),
            Settled::Opened {
                result: Err(Rejection::Refused(failure)),
                by_header,
            } => self.not_opened(&asked, &failure, by_header),
            Settled::Replied(result) => self.replied(asked, result).await,
            settled => self.settle_member(asked, settled).await,
        }
    }

    /// Acts on the result of an authenticated client's request.
    async fn settle_member(&mut self, asked: Asked, settled: Settled) -> Result<(), End> {
        let Stage::Member(follower) = &mut self.stage else {
            self.refuse(&asked, &auth_required());
            return Ok(());
        };
        let engine = &self.app.engine;
        match settled {
            Settled::Renewed(result) => match result.and_then(|identity| {
                let notice = identity.notice();
                let extends = follower.renew(identity)?;
                Ok(extends.then_some(notice))
            }) {
                Ok(extended) => {
                    let expires_at = follower.expires_at();
                    if let Some(notice) = extended {
                        self.pulse.authenticated(moment(&self.app, expires_at), notice);
                    }
                    self.answer_with(&asked, &Renewed { expires_at });
                }
                Err(failure) => {
                    self.charge_wrong_token(&failure);
                    self.refuse(&asked, &failure);
                }
            },
            Settled::Subscribe(params) => match follower.subscribe(engine, &params).await {
                Ok(subscribed) => self.answer_with(&asked, &subscribed),
                Err(Rejection::Refused(failure)) => self.refuse(&asked, &failure),
                Err(Rejection::Closed(close)) => return Err(close.into()),
            },
            Settled::Unsubscribe(params) => match follower.unsubscribe(params.stream).await {
                Ok(()) => self.answer_with(&asked, &Nothing {}),
                Err(failure) => self.refuse(&asked, &failure),
            },
            Settled::SetPresence(params) => match follower.set_presence(engine, &params).await {
                Ok(presence) => self.answer_with(&asked, &presence),
                Err(failure) => self.refuse(&asked, &failure),
            },
            // `settle` handles these
            Settled::Opened { .. } | Settled::Replied(_) => {}
        }
        Ok(())
    }

    /// Answers, and does what the reply asks of the transport.
    async fn replied(&mut self, asked: Asked, result: Result<Reply, Failure>) -> Result<(), End> {
        if let Ok(Reply {
            then: Then::ChangeSession(new),
            ..
        }) = &result
        {
            self.change_session(new);
        }
        let ended = matches!(&result, Ok(reply) if reply.then == Then::EndSession);
        if ended || self.revoked {
            self.answer(&asked, &result);
            // requests after a logout have no session any more
            return Err(Close::SESSION_ENDED.into());
        }
        let result = match &mut self.stage {
            Stage::Member(follower) => follower.synced(&self.app.engine, asked.paused, result).await?,
            Stage::Stranger(_) => result,
        };
        self.answer(&asked, &result);
        Ok(())
    }

    /// From now on the socket belongs to another session of its user. What its streams got meanwhile is delivered.
    fn change_session(&mut self, new: &NewSession) {
        let Stage::Member(follower) = &mut self.stage else {
            return;
        };
        let notice = follower.change_session(&self.registration, new);
        tracing::Span::current().record("session.id", tracing::field::display(new.id));
        self.pulse
            .authenticated(moment(&self.app, new.expires_at), notice);
        (self.revoked, self.timer) = (false, true);
    }

    /// The reader was let in: tells it, and follows its streams from now on.
    pub(super) fn welcome(&mut self, asked: &Asked, opened: Opened) {
        let Opened {
            welcome,
            follower,
            notice,
        } = opened;
        // the socket's span, if the log level gives it one
        let (span, caller) = (tracing::Span::current(), follower.caller());
        span.record("user.id", tracing::field::display(caller.user.id));
        span.record("session.id", tracing::field::display(caller.session));
        let limits = self.app.engine.limits();
        let user = limits.user(caller.user.id);
        if let Err(failure) = self.pace.belongs_to(limits, user.clone()) {
            // all of it is owed already
            let passes = |request: &Request| {
                let by = engine::insists(request, caller);
                by.is_some_and(|by| limits.insist(&user, 0, by).is_ok())
            };
            self.requests.refuse_waiting(&failure, passes);
        }
        let bytes = self.wire.welcome(asked.id.as_ref(), &welcome);
        self.owe(units::of_bytes(bytes));
        let wakeup = follower.wakeup().clone();
        self.wire.wake_on_input(wakeup.clone().into());
        self.registration.nudge_by(wakeup.clone());
        self.wakeup = wakeup;
        (self.input, self.timer) = (true, true);
        let ends = moment(&self.app, follower.expires_at());
        if follower.caller().grant.is_some() || self.wire.is_one_way() {
            self.pulse.cannot_renew();
        }
        self.pulse.authenticated(ends, notice);
        self.stage = Stage::Member(Box::new(follower));
        self.wire.let_in();
    }

    /// A token that is none of ours costs as much as several that are.
    fn charge_wrong_token(&mut self, failure: &Failure) {
        if is_none_of_ours(failure.code) {
            self.owe(units::WRONG_TOKEN);
        }
    }

    /// The token was refused, or could not be checked. The client may send another one.
    fn not_opened(&mut self, asked: &Asked, failure: &Failure, by_header: bool) -> Result<(), End> {
        self.pace.belongs_to_nobody(self.app.engine.limits());
        self.charge_wrong_token(failure);
        self.refuse(asked, failure);
        let refused = is_refusal(failure.code);
        if by_header {
            return Err(if refused {
                End::Close(CloseCode::Unauthenticated, "the token was refused")
            } else {
                End::Close(CloseCode::TryAgain, "not available at the moment; try again")
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

    /// Acts on control in the user's own stream.
    pub(super) async fn obey(&mut self, control: Control) -> Result<(), End> {
        let Stage::Member(follower) = &mut self.stage else {
            return Ok(());
        };
        match follower
            .obey(&self.app.engine, &self.registration, control)
            .await?
        {
            Obeyed::Done => Ok(()),
            Obeyed::Joined(stream) => {
                // the client may have asked for a sync before this socket learned of the access
                if self.requests.keep_silent(stream) {
                    follower.pause(stream);
                }
                Ok(())
            }
            Obeyed::PastLimit(stream) => {
                let reason = Reason::Limit;
                self.wire.signal(&frames::signal(
                    signals::NOT_FOLLOWED,
                    &NotFollowed { stream, reason },
                ));
                Ok(())
            }
            Obeyed::SessionEnded => {
                // a logout under way in this socket is answered first; one that waits could wait for a long time
                self.revoked = ENDS_THE_SESSION
                    .iter()
                    .any(|name| self.requests.is_under_way(name));
                if !self.revoked {
                    return Err(Close::SESSION_ENDED.into());
                }
                self.pulse.revoked(Instant::now() + LOGS_OUT_WITHIN);
                self.timer = true;
                Ok(())
            }
        }
    }
}

/// Whether this code means that the token is invalid. After any other failure the client may send the same token again.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidToken
            | ErrorCode::TokenExpired
            | ErrorCode::TokenRevoked
            | ErrorCode::AccountInactive
    )
}

/// Converts a time of the clock to an instant for timers.
fn moment(app: &App, at: Timestamp) -> Instant {
    let left_ms = at.0.saturating_sub(app.engine.clock().now_ms()).max(0);
    Instant::now() + Duration::from_millis(left_ms.unsigned_abs())
}
