//! A new token on the connection that stands: when to ask for it, and sending it with `auth.renew`.

use super::{Connection, serve::Serving};
use crate::{
    error::TokenError,
    wire::{self, Answer},
};
use std::time::Duration;
use taskwire_protocol::{
    Failure, Operation as _, Timestamp,
    account::{RenewAuth, Renewed},
};
use tokio::time::Instant;

/// The server sends `session.expiring` 60 s before the end; this is for the case that the signal was missed.
const RENEW_BEFORE: Duration = Duration::from_secs(45);
const RENEW_AGAIN: Duration = Duration::from_secs(10);
/// A token that lives longer than this is never renewed.
const FAR_FUTURE: Duration = Duration::from_hours(365 * 24);

/// The state of a renewal.
pub(super) enum Renewal {
    /// Starts then; `None` is never.
    At(Option<Instant>),
    /// The token source was asked.
    Fetching,
    /// The new token was sent with this request.
    Sent(i64, String),
}

impl Connection {
    pub(super) fn renew(&mut self, serving: &mut Serving) {
        if let Renewal::At(_) = serving.renewal {
            self.fetching
                .start(self.config.tokens.clone(), self.token.clone());
            serving.renewal = Renewal::Fetching;
        }
    }

    pub(super) fn send_renewal(&mut self, serving: &mut Serving, token: Result<String, TokenError>) {
        serving.renewal = match token {
            Ok(token) => {
                let id = self.calls.next_id();
                let params = RenewAuth { token: token.clone() };
                if let Ok(data) = serde_json::to_string(&params) {
                    serving
                        .link
                        .push(wire::request(RenewAuth::NAME, Some(id), None, &data));
                }
                Renewal::Sent(id, token)
            }
            // The server closes with 4401 when the token expires; the program learns of it then.
            Err(TokenError::SignedOut(_)) => Renewal::At(None),
            Err(_) => Renewal::At(Instant::now().checked_add(RENEW_AGAIN)),
        };
    }

    pub(super) fn renewed(&mut self, serving: &mut Serving, answer: Result<Answer, Box<Failure>>) {
        let Renewal::Sent(_, token) = std::mem::replace(&mut serving.renewal, Renewal::At(None)) else {
            return;
        };
        match answer {
            Ok(answer) => {
                self.token = Some(token);
                let renewed = serde_json::from_str::<Renewed>(answer.data.get());
                let at = renewed
                    .ok()
                    .and_then(|renewed| serving.renew_at(renewed.expires_at));
                serving.renewal = Renewal::At(at);
            }
            Err(failure) if failure.retryable => {
                serving.renewal = Renewal::At(Instant::now().checked_add(RENEW_AGAIN));
            }
            // The token belongs to another session: it serves the next connection, after a close with 4401.
            Err(_) => {}
        }
    }
}

impl Serving {
    /// When to renew a token that expires at this time of the server's clock; `None` for one in the far future.
    pub(super) fn renew_at(&self, ends: Timestamp) -> Option<Instant> {
        let lifetime = ends.0.saturating_sub(self.welcome.server.time.0);
        let lifetime = Duration::from_millis(u64::try_from(lifetime).unwrap_or(0));
        let at = self.welcomed.checked_add(lifetime.saturating_sub(RENEW_BEFORE))?;
        // Some sources return tokens that expire at once: leave a pause before the next question.
        let soonest = Instant::now() + RENEW_AGAIN;
        (lifetime < FAR_FUTURE).then_some(at.max(soonest))
    }
}
