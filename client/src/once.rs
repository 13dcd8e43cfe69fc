//! A single call on a separate socket, without a user: for `auth.signup` and `auth.login`.

use crate::{
    config::Config,
    door::{Door, NotOpened, Socket},
    error::{CallError, Disconnected, Stopped},
    reply::Reply,
    wire::{self, Incoming},
};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use taskwire_protocol::Operation;
use tokio_tungstenite::tungstenite::Message;

/// Long enough for a busy server to hash a password.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes one call that needs no user, on a separate socket, and closes the socket. Tries once.
///
/// # Errors
/// `Refused` by the server; `Stopped` with `NoServer` or `Unreachable`; `Interrupted` when no answer arrived.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use taskwire_client::{Client, Config, call_once, protocol::account::LogIn};
///
/// let url = "http://127.0.0.1:8080";
/// let log_in = LogIn {
///     email: "ada@example.com".into(),
///     password: "correct horse battery".into(),
///     device_name: None,
/// };
/// let tokens = call_once(Config::anonymous(url), log_in).await?;
/// let (client, events) = Client::connect(Config::signed_in(url, tokens))?;
/// # Ok(())
/// # }
/// ```
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
    // The call is over. The close frame is only polite, so it gets at most one second.
    let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
    Reply::read(answer.map_err(|_| CallError::Interrupted)??).map(|reply| reply.data)
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
