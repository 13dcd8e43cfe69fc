//! A single call on a separate socket, without a user: for `auth.signup` and `auth.login`.

use crate::{
    backoff::Backoff,
    config::Config,
    door::{Door, NotOpened, Socket},
    error::{CallError, Disconnected, Stopped},
    reply::Reply,
    wire::{self, Incoming},
};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use taskwire_protocol::Operation;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Long enough for a busy server to hash a password.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes one call that needs no user, on a separate socket, and closes the socket. The request is sent once. Before
/// that, while the server cannot be reached, the client tries to connect for as long as the configuration's `patience`
/// says; without one, it tries once. An attempt includes the answer to a ping: what is sent after that is sent to a
/// server that is there.
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
///     refresh_token: None,
/// };
/// let tokens = call_once(Config::anonymous(url), log_in).await?;
/// let (client, events) = Client::connect(Config::signed_in(url, tokens))?;
/// # Ok(())
/// # }
/// ```
pub async fn call_once<O: Operation>(config: Config, params: O) -> Result<O::Output, CallError> {
    let door = door(&config)?;
    let data = serde_json::to_string(&params).map_err(|error| CallError::Unwritable(error.to_string()))?;
    let opening = open(&config, async || answering(door.open().await?).await);
    let mut socket = Box::pin(opening).await?;
    let request = wire::request(O::NAME, Some(1), None, &data);
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, exchange(&mut socket, request)).await;
    // The call is over. The close frame is only polite, so it gets at most one second.
    let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
    Reply::read(answer.map_err(|_| CallError::Interrupted)??).map(|reply| reply.data)
}

pub(crate) fn door(config: &Config) -> Result<Door, CallError> {
    Door::to(config).map_err(|error| unreachable(Disconnected::Unreachable(error.to_string())))
}

/// Opens a socket; tries again while the server cannot be reached.
pub(crate) async fn open(
    config: &Config,
    attempt: impl AsyncFn() -> Result<Socket, NotOpened>,
) -> Result<Socket, CallError> {
    let (began, mut backoff) = (Instant::now(), Backoff::default());
    loop {
        let why = match tokio::time::timeout(config.connect_timeout, attempt()).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(NotOpened::NoServer(why))) => return Err(CallError::Stopped(Stopped::NoServer(why))),
            Ok(Err(NotOpened::Unreachable(why))) => why,
            Err(_) => Disconnected::TimedOut(config.connect_timeout),
        };
        let wait = backoff.next();
        if config
            .patience
            .is_none_or(|patience| began.elapsed() + wait >= patience)
        {
            return Err(unreachable(why));
        }
        tokio::time::sleep(wait).await;
    }
}

/// The socket, once the server has answered a ping on it. What a server sends before any request can only say that it
/// stops, so nothing of it is missed.
async fn answering(mut socket: Socket) -> Result<Socket, NotOpened> {
    let cut = || NotOpened::Unreachable(Disconnected::Cut);
    let sent = socket.send(Message::Ping(Bytes::new())).await;
    sent.map_err(|_| cut())?;
    match socket.next().await {
        Some(Ok(Message::Close(Some(frame)))) => Err(NotOpened::Unreachable(Disconnected::Closed {
            code: frame.code.into(),
            reason: frame.reason.as_str().to_owned(),
        })),
        Some(Ok(Message::Close(None)) | Err(_)) | None => Err(cut()),
        Some(Ok(_)) => Ok(socket),
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
