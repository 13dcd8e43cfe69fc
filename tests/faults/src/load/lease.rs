//! What keeps a socket open: the token that let it in, and each newer one, sent as `auth.renew`. A socket that misses it
//! is closed with 4401. Knows the frames of this, and no others.

use super::Shared;
use super::session::{Keeper, SECOND, Token};
use crate::Failed;
use crate::socket::{Pace, Refused, Socket};
use crate::verdict::Invariant;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use taskwire_protocol::frames::Welcome;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The `id` of each `auth.renew`.
const ID: &str = "renew";
/// The time after which a refused renewal is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// How long the server keeps a socket after the end of its token.
const GRACE: u64 = 25_000_000_000;

/// A socket's authentication.
pub(crate) struct Lease {
    shared: Arc<Shared>,
    keeper: Arc<Keeper>,
    tokens: watch::Receiver<Arc<Token>>,
    /// The newest token that the server accepted on this socket.
    accepted: Arc<Token>,
    /// The token of the renewal that was sent last.
    sent: Option<Arc<Token>>,
    again: Option<Instant>,
}

/// The answer to a renewal, or a signal.
#[derive(Deserialize)]
struct Frame {
    r#type: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    signal: String,
    #[serde(default)]
    error: Option<Box<Failure>>,
}

impl Lease {
    /// Opens a socket with the keeper's token; the other parameters as in `Socket::open`.
    pub(crate) async fn open(
        shared: &Arc<Shared>,
        keeper: &Arc<Keeper>,
        (address, pace, buffer): (&str, Pace, u32),
        streams: &Value,
        resume: Option<Value>,
    ) -> Result<(Socket, Box<Welcome>, Lease), Failed> {
        let tokens = keeper.tokens();
        let token = keeper.token().await;
        let opened = Socket::open(address, pace, buffer, &token.text, streams, resume).await;
        let (socket, welcome) = opened.inspect_err(|error| {
            if let Some(Refused(code)) = error.downcast_ref() {
                refused(shared, keeper, &token, *code);
            }
        })?;
        let lease = Lease {
            shared: shared.clone(),
            keeper: keeper.clone(),
            tokens,
            accepted: token,
            sent: None,
            again: None,
        };
        Ok((socket, welcome, lease))
    }

    /// Waits until there is a newer token, and returns the frame to send. Safe to cancel.
    pub(crate) async fn due(&mut self) -> String {
        loop {
            if let Some(at) = self.again {
                tokio::select! {
                    () = sleep_until(at) => {}
                    _ = self.tokens.changed() => {}
                }
                self.again = None;
            } else if self.tokens.changed().await.is_err() {
                return std::future::pending().await; // the keeper lives as long as this lease
            }
            let newest = self.tokens.borrow_and_update().clone();
            if newest.number > self.accepted.number {
                let frame = json!({"type": "auth.renew", "id": ID, "data": {"token": newest.text}});
                self.sent = Some(newest);
                return frame.to_string();
            }
        }
    }

    /// Takes a frame that is not an event. False when the socket must end, because its session has ended.
    pub(crate) fn take(&mut self, text: &str) -> bool {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            return true;
        };
        if frame.signal == "session.expiring" {
            self.keeper.replace(&self.accepted);
            self.again = Some(Instant::now());
            return true;
        }
        if frame.id != ID {
            return true;
        }
        let Some(sent) = self.sent.take() else { return true };
        match frame.error {
            None if frame.r#type == "ok" => {
                self.shared.counts.renewals.fetch_add(1, Relaxed);
                self.accepted = sent;
            }
            // an instance whose clock is ahead: its refusal says nothing about the next one
            Some(failure) if failure.retryable || failure.code == ErrorCode::TokenExpired => {
                self.keeper.replace(&sent);
                self.again = Some(Instant::now() + AGAIN);
            }
            _ => {
                // the socket may be of an earlier session, so only the next connection shows whether the token is good
                self.keeper.replace(&sent);
                return false;
            }
        }
        true
    }

    /// I11: judges the close frame that ended the socket.
    pub(crate) fn ended(&self, error: &str) {
        if error.starts_with("closed 4403") {
            let what = format!("a socket was {error}");
            tokio::spawn(self.keeper.clone().doubt(self.accepted.clone(), what));
        }
        if error.starts_with("closed 4401") {
            self.shared.counts.lapsed.fetch_add(1, Relaxed);
            self.shared.verdicts.checked(Invariant::I11, 1);
            if !self.is_over() && !clock_jumped(&self.shared, &self.accepted) {
                let what = format!("a socket was {error}, but its token has not ended");
                self.shared.verdicts.violated(Invariant::I11, what);
            }
        }
    }

    /// Whether the server may close the socket, because nothing renewed it.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.now() + SECOND > self.accepted.ends + GRACE
    }
}

/// I11: an instance refused a token. One that has not ended is refused only when its session has ended, or an instance's
/// clock jumped.
fn refused(shared: &Arc<Shared>, keeper: &Arc<Keeper>, token: &Arc<Token>, code: ErrorCode) {
    keeper.replace(token);
    shared.verdicts.checked(Invariant::I11, 1);
    if code != ErrorCode::TokenExpired {
        let what = format!("a token was refused: {code:?}");
        tokio::spawn(keeper.clone().doubt(token.clone(), what));
    } else if shared.now() + SECOND < token.ends && !clock_jumped(shared, token) {
        let what = "a token that has not ended was refused as expired";
        shared.verdicts.violated(Invariant::I11, what);
    }
}

/// Whether an instance had a wrong clock during the token's life.
fn clock_jumped(shared: &Shared, token: &Token) -> bool {
    shared.disturbed.clock.last(shared.now()) + SECOND >= token.begins
}
