//! A single call on a socket of its own, without signing in: for `auth.signup` and `auth.login`.

use crate::{
    client::read,
    config::Config,
    dial::{Door, NotOpened, Socket},
    error::{CallError, Disconnected, Stopped},
    tokens::FixedToken,
    wire::{self, Incoming},
};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use taskwire_protocol::Operation;
use tokio_tungstenite::tungstenite::Message;

/// Hashing a password takes its time on a busy server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes one call that needs no sign-in, on a socket of its own, and closes it. Nothing is tried twice.
///
/// # Errors
/// `Refused` by the server; `Stopped` with `NoServer` or `Unreachable`; `Interrupted` when no answer came.
pub async fn call_once<O: Operation>(config: Config, params: O) -> Result<O::Output, CallError> {
    let door = Door::to(&config)
        .map_err(|error| Disconnected::Unreachable(error.to_string()))
        .map_err(unreachable)?;
    let data = serde_json::to_string(&params).map_err(|error| CallError::Unwritable(error.to_string()))?;
    let opened = tokio::time::timeout(config.connect_timeout, door.open()).await;
    let socket = opened.map_err(|_| unreachable(Disconnected::TimedOut(config.connect_timeout)))?;
    let mut socket = socket.map_err(|error| match error {
        NotOpened::NoServer(why) => CallError::Stopped(Stopped::NoServer(why)),
        NotOpened::Unreachable(why) => unreachable(why),
    })?;
    let request = wire::request(O::NAME, Some(1), None, &data);
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, exchange(&mut socket, request)).await;
    // Good manners, not worth a wait: the answer is there.
    let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
    read(answer.map_err(|_| CallError::Interrupted)??).map(|reply| reply.data)
}

/// Whoever may not sign in needs no token source.
impl Config {
    /// For [`call_once`]: a server, and nobody signed in.
    pub fn anonymous(url: impl Into<String>) -> Config {
        Config::new(url, FixedToken::new(""))
    }
}

fn unreachable(why: Disconnected) -> CallError {
    CallError::Stopped(Stopped::Unreachable(why))
}

async fn exchange(socket: &mut Socket, request: String) -> Result<wire::Answer, CallError> {
    let sent = socket.send(Message::text(request)).await;
    sent.map_err(|_| CallError::Interrupted)?;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let incoming = wire::read(&text).map_err(|error| CallError::Unreadable(error.to_string()))?;
        if let Incoming::Answer(Some(1) | None, answer) = incoming {
            return answer.map_err(CallError::Refused);
        }
    }
    Err(CallError::Interrupted)
}
