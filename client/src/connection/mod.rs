//! The one background task that owns the socket: connects, authenticates, resumes, sends calls again, and comes
//! back after every end that is not final. `serve` is its loop while a connection stands; `fetching` asks for tokens.
//!
//! Nothing in it grows without bound: calls under way are limited, items wait in a bounded queue, and while that is
//! full nothing is read from the socket.

mod calls;
mod fetching;
mod link;
mod positions;
mod serve;

use crate::{
    backoff::Backoff,
    client::{Counters, Phase},
    config::Config,
    dial::{Door, NotOpened},
    error::{Disconnected, Stopped, TokenError},
    events::Item,
    wire::{self, Incoming},
};
use calls::Calls;
use fetching::Fetching;
use link::Link;
use positions::Positions;
use serde_json::value::RawValue;
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use taskwire_protocol::{
    CloseCode, ErrorCode, Failure, Operation as _,
    account::{Authenticate, ClientInfo},
    close::Then,
    frames::{Goodbye, Welcome},
    signals,
};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    time::Instant,
};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

pub(crate) use calls::Call;

/// Fresh tokens that the server refuses in a row before the client believes it.
const REFUSALS: u32 = 3;
const RATE_IGNORED: Duration = Duration::from_secs(10);
/// No restart takes longer; a server that says more is mistaken.
const GOODBYE_AT_MOST: Duration = Duration::from_mins(5);

/// The other ends of what the program holds.
pub(crate) struct Ends {
    pub(crate) calls: mpsc::Receiver<Call>,
    pub(crate) items: mpsc::Sender<Item>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) counters: Arc<Counters>,
}

struct Connection {
    config: Config,
    door: Door,
    ends: Ends,
    calls: Calls,
    positions: Positions,
    backoff: Backoff,
    /// Items that found the queue full: while there is one, nothing is read.
    held: VecDeque<Item>,
    /// The token in use, and whether the server refused it.
    token: Option<String>,
    stale: bool,
    fetching: Fetching,
    refusals: u32,
    /// When there was last a `welcome`, or the client began.
    last_welcome: Instant,
    was_welcome: bool,
    goodbye: Option<Duration>,
}

/// How a connection, or the try to make one, ended.
enum Ended {
    Stop(Stopped),
    /// With the wait before the next try; a jittered one when not said.
    Retry(Disconnected, Option<Duration>),
}

/// Runs until the client stops.
pub(crate) async fn run(config: Config, door: Door, ends: Ends) {
    let mut connection = Connection {
        positions: Positions::new(config.streams.clone(), config.resume.clone()),
        config,
        door,
        ends,
        calls: Calls::default(),
        backoff: Backoff::default(),
        held: VecDeque::new(),
        token: None,
        stale: false,
        fetching: Fetching::default(),
        refusals: 0,
        last_welcome: Instant::now(),
        was_welcome: false,
        goodbye: None,
    };
    let why = Box::pin(connection.live()).await;
    connection.stop(why).await;
}

/// The program closed the client or dropped all of it.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that every holder is gone, which is the same.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// `None` when the client is closed first.
async fn unless_closed<T>(mut closing: watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = closed(&mut closing) => None,
        done = work => Some(done),
    }
}

impl Connection {
    async fn live(&mut self) -> Stopped {
        let closing = self.ends.closing.clone();
        loop {
            let ended = match unless_closed(closing.clone(), Box::pin(self.open())).await {
                None => return Stopped::Closed,
                Some(Ok((link, welcome))) => self.serve(link, &welcome).await,
                Some(Err(ended)) => ended,
            };
            let (why, wait) = match ended {
                Ended::Stop(why) => return why,
                Ended::Retry(why, wait) => (why, wait),
            };
            self.calls.interrupt();
            self.ends.phase.send_replace(Phase::Connecting);
            let wait = self
                .goodbye
                .take()
                .or(wait)
                .unwrap_or_else(|| self.backoff.next());
            let patience = self.config.patience;
            if patience.is_some_and(|patience| self.last_welcome.elapsed() + wait >= patience) {
                return Stopped::Unreachable(why);
            }
            self.give(Item::Disconnected {
                reason: why,
                retry_in: wait,
            });
            let pause = async {
                // Without this a program that takes nothing would let one item pile up with every try.
                self.deliver().await;
                tokio::time::sleep(wait).await;
            };
            if unless_closed(closing.clone(), pause).await.is_none() {
                return Stopped::Closed;
            }
        }
    }

    /// Nobody learns it before a token that is under way has come: the process may end then. Calls learn it first; the
    /// last item waits for the program to take those before it, or to drop them.
    async fn stop(mut self, why: Stopped) {
        self.fetching.finish().await;
        self.ends.phase.send_replace(Phase::Stopped(why.clone()));
        self.calls.stop(&why);
        self.ends.calls.close();
        // Dropping a call that still waits tells its caller.
        while self.ends.calls.try_recv().is_ok() {}
        self.give(Item::Stopped(why));
        self.deliver().await;
    }

    /// Hands an item out, or holds it while the queue is full.
    fn give(&mut self, item: Item) {
        if !self.held.is_empty() {
            self.held.push_back(item);
        } else if let Err(TrySendError::Full(item)) = self.ends.items.try_send(item) {
            self.held.push_back(item);
        }
    }

    /// Waits until nothing is held.
    async fn deliver(&mut self) {
        while !self.held.is_empty() {
            match self.ends.items.reserve().await {
                Ok(permit) => {
                    if let Some(item) = self.held.pop_front() {
                        permit.send(item);
                    }
                }
                Err(_) => self.held.clear(), // nobody listens
            }
        }
    }

    /// A connection, authenticated and welcomed.
    async fn open(&mut self) -> Result<(Link, Arc<Welcome>), Ended> {
        self.fetching.settled().await;
        let stale = self.token.clone().filter(|_| self.stale);
        self.fetching.start(self.config.tokens.clone(), stale);
        let token = match self.fetching.done().await {
            Ok(token) => token,
            Err(TokenError::SignedOut(why)) => return Err(Ended::Stop(Stopped::SignedOut(why))),
            Err(error) => return Err(Ended::Retry(Disconnected::NoToken(error), None)),
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
            // Where a server was, one will be again: a proxy may say so while it restarts.
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
                // it came just before the server stopped
                Ok(Incoming::Signal(signal, data)) if signal == signals::SERVER_GOODBYE => {
                    self.note_goodbye(&data);
                }
                Ok(_) => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
    }

    /// When to come back after the close that follows.
    fn note_goodbye(&mut self, data: &RawValue) {
        let goodbye = serde_json::from_str::<Goodbye>(data.get());
        self.goodbye = goodbye
            .ok()
            .map(|goodbye| Duration::from_millis(goodbye.reconnect_after_ms).min(GOODBYE_AT_MOST));
    }

    fn auth(&self, id: i64, token: String) -> Result<String, Ended> {
        let params = Authenticate {
            token,
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
            ErrorCode::TokenRevoked | ErrorCode::AccountInactive | ErrorCode::EmailNotVerified => {
                Ended::Stop(Stopped::SignedOut(failure.message))
            }
            _ if failure.retryable => {
                let wait = failure.retry_after_ms.map(Duration::from_millis);
                Ended::Retry(Disconnected::Refused(failure), wait)
            }
            _ => Ended::Stop(Stopped::Refused(failure)),
        }
    }

    fn token_refused(&mut self, why: Disconnected) -> Ended {
        self.refusals += 1;
        if self.refusals >= REFUSALS {
            return Ended::Stop(Stopped::SignedOut(why.to_string()));
        }
        self.stale = true;
        Ended::Retry(why, None)
    }

    /// What the contract says to do after this close frame.
    fn closed_by_server(&mut self, frame: Option<&CloseFrame>) -> Ended {
        let Some(frame) = frame else {
            return Ended::Retry(Disconnected::Cut, None);
        };
        let (code, reason) = (u16::from(frame.code), frame.reason.to_string());
        let then = CloseCode::from_code(code).map_or(Then::Backoff, CloseCode::then);
        let why = Disconnected::Closed {
            code,
            reason: reason.clone(),
        };
        match then {
            Then::Stop => Ended::Stop(Stopped::Protocol { code, reason }),
            Then::AskThePerson => Ended::Stop(Stopped::Revoked(reason)),
            Then::Token => self.token_refused(why),
            Then::TenSeconds => Ended::Retry(why, Some(RATE_IGNORED)),
            // The delay that goodbye gave is taken in `live`, whatever the end looked like.
            Then::AsYouLike | Then::AfterGoodbye | Then::Backoff | Then::Resume => Ended::Retry(why, None),
        }
    }

    /// A connection stands: the program learns it, and what has no answer is sent again.
    fn begin(&mut self, link: &mut Link, welcome: &Arc<Welcome>) {
        self.refusals = 0;
        self.was_welcome = true;
        self.ends.counters.connections.fetch_add(1, Relaxed);
        let to_sync = self.positions.welcome(welcome);
        self.ends.phase.send_replace(Phase::Connected(welcome.clone()));
        self.give(Item::Connected(welcome.clone()));
        for (stream, reason) in to_sync {
            self.give(Item::Resync { stream, reason });
        }
        for stream in self.positions.to_leave(welcome) {
            let data = format!(r#"{{"stream":"{stream}"}}"#);
            link.push(wire::request("stream.unsubscribe", None, None, &data));
        }
        let frames = self.calls.frames();
        self.ends.counters.resent.fetch_add(frames.len() as u64, Relaxed);
        frames.for_each(|frame| link.push(frame));
    }
}

fn unreadable(error: &serde_json::Error) -> Ended {
    Ended::Retry(Disconnected::Unreadable(error.to_string()), None)
}
