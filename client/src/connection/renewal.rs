//! Changes the token of an open connection: when to ask for a new one, and the `auth.renew` that sends it.
//! Does not touch the socket or the token source.

use crate::{
    error::TokenError,
    wire::{self, Answer},
};
use std::time::Duration;
use taskwire_protocol::{
    Failure, Operation as _, Timestamp,
    account::{RenewAuth, Renewed},
    frames::Welcome,
};
use tokio::time::Instant;

/// The server sends `session.expiring` at half of the token's life or 60 s before its end, whichever is later. This and
/// [`Renewal::before`] are for a missed signal.
const RENEW_BEFORE: Duration = Duration::from_secs(45);
const RENEW_AGAIN: Duration = Duration::from_secs(10);
/// A token that lives longer than this is never renewed.
const FAR_FUTURE: Duration = Duration::from_hours(365 * 24);

pub(super) struct Renewal {
    /// The same moment by both clocks. It converts the server's times to `Instant`s.
    welcomed: Instant,
    server_time: Timestamp,
    state: State,
}

enum State {
    /// When to start; `None` means never.
    At(Option<Instant>),
    /// The token source was asked.
    Fetching,
    /// The new token was sent with this request.
    Sent(i64, String),
}

impl Renewal {
    /// The renewal for a connection that was just welcomed.
    pub(super) fn of(welcome: &Welcome) -> Renewal {
        let mut renewal = Renewal {
            welcomed: Instant::now(),
            server_time: welcome.server.time,
            state: State::At(None),
        };
        renewal.state = State::At(renewal.before(welcome.session.expires_at));
        renewal
    }

    /// When to start; `None` while there is nothing to do.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            State::At(at) => at,
            State::Fetching | State::Sent(..) => None,
        }
    }

    /// Starts a renewal, unless one is under way. `true` asks the caller to get a new token.
    pub(super) fn start(&mut self) -> bool {
        let idle = matches!(self.state, State::At(_));
        if idle {
            self.state = State::Fetching;
        }
        idle
    }

    /// The token source failed.
    pub(super) fn failed(&mut self, error: &TokenError) {
        self.state = match error {
            // The server closes with 4401 when the token expires; the program learns of it then.
            TokenError::SignedOut(_) | TokenError::NoOther => State::At(None),
            TokenError::Later { wait, .. } => State::At(Instant::now().checked_add(*wait.max(&RENEW_AGAIN))),
            _ => State::At(Instant::now().checked_add(RENEW_AGAIN)),
        };
    }

    /// The frame that sends the new token under this id.
    pub(super) fn send(&mut self, id: i64, token: String) -> serde_json::Result<String> {
        let params = RenewAuth { token: token.into() };
        let frame =
            serde_json::to_string(&params).map(|data| wire::request(RenewAuth::NAME, Some(id), None, &data));
        self.state = State::Sent(id, params.token.into_exposed());
        frame
    }

    /// Whether the frame with the new token has this id.
    pub(super) fn sent_with(&self, id: i64) -> bool {
        matches!(self.state, State::Sent(sent, _) if sent == id)
    }

    /// Takes the answer to the frame; returns the token if the server accepted it.
    pub(super) fn answered(&mut self, answer: Result<Answer, Box<Failure>>) -> Option<String> {
        let State::Sent(_, token) = std::mem::replace(&mut self.state, State::At(None)) else {
            return None;
        };
        match answer {
            Ok(answer) => {
                let renewed = serde_json::from_str::<Renewed>(answer.data.get()).ok();
                self.state = State::At(renewed.and_then(|renewed| self.before(renewed.expires_at)));
                Some(token)
            }
            Err(failure) if failure.retryable => {
                self.state = State::At(Instant::now().checked_add(RENEW_AGAIN));
                None
            }
            // The token belongs to another session. The next connection uses it, after a close with 4401.
            Err(_) => None,
        }
    }

    /// When to renew a token that expires at this time of the server's clock: 45 s before, or after three quarters of the
    /// time that is left, if that is later. `None` for one in the far future.
    fn before(&self, ends: Timestamp) -> Option<Instant> {
        let lasts = ends.0.saturating_sub(self.server_time.0);
        let lasts = Duration::from_millis(u64::try_from(lasts).unwrap_or(0));
        let left = lasts.saturating_sub(self.welcomed.elapsed());
        let wait = left.saturating_sub(RENEW_BEFORE).max(left / 4 * 3);
        // Some sources return tokens that expire at once: leave a pause before the next request.
        let at = Instant::now().checked_add(wait.max(RENEW_AGAIN))?;
        (left < FAR_FUTURE).then_some(at)
    }
}
