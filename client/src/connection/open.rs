//! One attempt to connect: the socket, `auth`, the `welcome`. Also decides what each refusal and close code means for
//! the next attempt.

use super::{Connection, Ended, link::Link, unreadable};
use crate::{
    door::NotOpened,
    error::{Disconnected, Stopped, TokenError},
    wire::{self, Incoming},
};
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};
use taskwire_protocol::{
    CloseCode, ErrorCode, Failure, Operation as _,
    account::{Authenticate, ClientInfo},
    close::Then,
    frames::{Goodbye, Welcome},
    signals,
};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

/// After this many refused tokens in a row, the client stops.
const REFUSALS: u32 = 3;
/// The wait after the server closed because the client ignored the rate limit.
const RATE_IGNORED: Duration = Duration::from_secs(10);
/// The longest wait that the client accepts from a server that restarts.
const GOODBYE_AT_MOST: Duration = Duration::from_mins(5);

/// The WebSocket library puts 1002 with this reason in the place of a code that it does not know, such as a gateway's 1014.
const NOT_ALLOWED: &str = "Protocol violation";

impl Connection {
    /// Opens a connection, up to the `welcome`.
    pub(super) async fn open(&mut self) -> Result<(Link, Arc<Welcome>), Ended> {
        self.fetching.settled().await;
        let stale = self.token.clone().filter(|_| self.stale);
        self.fetching.start(self.config.tokens.clone(), stale);
        let token = match self.fetching.done().await {
            Ok(token) => token,
            Err(TokenError::SignedOut(why)) => return Err(Ended::Stop(Stopped::SignedOut(why))),
            Err(error @ TokenError::NoOther) => {
                let why = self.refusal.take().unwrap_or_else(|| error.to_string());
                return Err(Ended::Stop(Stopped::SignedOut(why)));
            }
            Err(error) => {
                let wait = match &error {
                    TokenError::Later { wait, .. } => Some(*wait),
                    _ => None,
                };
                return Err(Ended::Retry(Disconnected::NoToken(error), wait));
            }
        };
        self.token = Some(token.clone());
        self.stale = false;
        let limit = self.config.connect_timeout;
        tokio::time::timeout(limit, self.greet(token))
            .await
            .unwrap_or(Err(Ended::Retry(Disconnected::TimedOut(limit), None)))
    }

    async fn greet(&mut self, token: String) -> Result<(Link, Arc<Welcome>), Ended> {
        let socket = match self.door.open().await {
            Ok(socket) => socket,
            Err(NotOpened::Unreachable(why)) => return Err(Ended::Retry(why, None)),
            // There was a Taskwire server before; a proxy may answer like this while the server restarts.
            Err(NotOpened::NoServer(why)) if self.was_welcome => {
                return Err(Ended::Retry(Disconnected::Unreachable(why), None));
            }
            Err(NotOpened::NoServer(why)) => return Err(Ended::Stop(Stopped::NoServer(why))),
        };
        let mut link = Link::new(socket);
        let id = self.calls.next_id();
        link.push(self.auth(id, token)?);
        loop {
            let text = match link.drive(true).await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    link.farewell().await;
                    return Err(self.closed_by_server(frame.as_ref()));
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Err(Ended::Retry(Disconnected::Cut, None)),
            };
            match wire::read(&text) {
                Ok(Incoming::Answer(answered, Ok(answer))) if answered == Some(id) => {
                    return match serde_json::from_str(answer.data.get()) {
                        Ok(welcome) => Ok((link, Arc::new(welcome))),
                        Err(error) => Err(unreadable(&error)),
                    };
                }
                Ok(Incoming::Answer(_, Err(failure))) => return Err(self.refused(failure)),
                // The server is about to stop.
                Ok(Incoming::Signal(signal, data)) if signal == signals::SERVER_GOODBYE => {
                    self.note_goodbye(&data);
                }
                Ok(_) => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
    }

    /// Remembers when to come back after the close that follows.
    pub(super) fn note_goodbye(&mut self, data: &RawValue) {
        let goodbye = serde_json::from_str::<Goodbye>(data.get());
        self.goodbye = goodbye
            .ok()
            .map(|goodbye| Duration::from_millis(goodbye.reconnect_after_ms).min(GOODBYE_AT_MOST));
    }

    fn auth(&self, id: i64, token: String) -> Result<String, Ended> {
        let params = Authenticate {
            token: token.into(),
            client: Some(ClientInfo {
                name: self.config.name.clone(),
                version: Some(self.config.version.clone()),
            }),
            streams: self.positions.streams(),
            resume: self.positions.resume(),
        };
        let data = serde_json::to_string(&params).map_err(|error| unreadable(&error))?;
        Ok(wire::request(Authenticate::NAME, Some(id), None, &data))
    }

    /// The server refused `auth`.
    fn refused(&mut self, failure: Box<Failure>) -> Ended {
        match failure.code {
            ErrorCode::InvalidToken | ErrorCode::TokenExpired | ErrorCode::AuthRequired => {
                self.token_refused(Disconnected::Refused(failure))
            }
            ErrorCode::TokenRevoked => Ended::Stop(Stopped::SignedOut(failure.message)),
            _ if failure.retryable => {
                let wait = failure.retry_after_ms.map(Duration::from_millis);
                Ended::Retry(Disconnected::Refused(failure), wait)
            }
            _ => Ended::Stop(Stopped::Refused(failure)),
        }
    }

    fn token_refused(&mut self, why: Disconnected) -> Ended {
        self.refusals += 1;
        let said = match &why {
            Disconnected::Refused(failure) => failure.message.clone(),
            Disconnected::Closed { reason, .. } if !reason.is_empty() => reason.clone(),
            why => why.to_string(),
        };
        if self.refusals >= REFUSALS {
            return Ended::Stop(Stopped::SignedOut(said));
        }
        self.refusal = Some(said);
        self.stale = true;
        Ended::Retry(why, None)
    }

    /// What the contract says to do after this close frame.
    pub(super) fn closed_by_server(&mut self, frame: Option<&CloseFrame>) -> Ended {
        let Some(frame) = frame else {
            return Ended::Retry(Disconnected::Cut, None);
        };
        let (code, reason) = (u16::from(frame.code), frame.reason.to_string());
        let then = match CloseCode::from_code(code) {
            Some(CloseCode::Protocol) if reason == NOT_ALLOWED => Then::Backoff,
            Some(code) => code.then(),
            None => Then::Backoff,
        };
        let why = Disconnected::Closed {
            code,
            reason: reason.clone(),
        };
        match then {
            Then::Stop => Ended::Stop(Stopped::Protocol { code, reason }),
            Then::AskThePerson => Ended::Stop(Stopped::Revoked(reason)),
            Then::Token => self.token_refused(why),
            Then::TenSeconds => Ended::Retry(why, Some(RATE_IGNORED)),
            // `live` applies the delay of `server.goodbye`, however the connection ended.
            Then::AsYouLike | Then::AfterGoodbye | Then::Backoff | Then::Resume => Ended::Retry(why, None),
        }
    }
}
