//! The one background task that owns the socket. It connects, authenticates, resumes, sends pending calls again, and
//! reconnects unless the client stopped for good.
//!
//! - `open`       one attempt: the socket, `auth`, the `welcome`
//! - `serve`      the loop while the connection is open; `renewal` when to change the token
//! - `link`       frames on their way into and out of the socket
//! - `calls`      requests without an answer
//! - `positions`  the position in each stream; `effect` what an answer changes about them
//! - `fetching`   asks the token source
//!
//! Every queue is bounded. While the queue of items is full, nothing is read from the socket.

mod calls;
mod effect;
mod fetching;
mod link;
mod open;
mod positions;
mod renewal;
mod serve;

use crate::{
    backoff::Backoff,
    config::Config,
    door::Door,
    error::{Disconnected, Stopped},
    events::Item,
    state::{Counters, Phase, closed},
    wire,
};
use calls::Calls;
use fetching::Fetching;
use link::Link;
use positions::Positions;
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use taskwire_protocol::frames::Welcome;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    time::Instant,
};

pub(crate) use calls::Call;

/// The connection's ends of the channels to the program.
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
    /// Items for which the queue has no room. While there is one, nothing is read from the socket.
    held: VecDeque<Item>,
    /// The token in use, and whether the server refused it.
    token: Option<String>,
    stale: bool,
    fetching: Fetching,
    refusals: u32,
    /// What the server said when it last refused a token.
    refusal: Option<String>,
    /// The time when the last welcomed connection ended, or when the client started.
    last_welcome: Instant,
    was_welcome: bool,
    goodbye: Option<Duration>,
}

/// How a connection, or the attempt to make one, ended.
enum Ended {
    Stop(Stopped),
    /// The wait before the next attempt; `None` takes the backoff's.
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
        refusal: None,
        last_welcome: Instant::now(),
        was_welcome: false,
        goodbye: None,
    };
    let why = Box::pin(connection.live()).await;
    connection.stop(why).await;
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
                // Deliver first. Otherwise `held` grows with every attempt while a program takes no items.
                self.deliver().await;
                tokio::time::sleep(wait).await;
            };
            if unless_closed(closing.clone(), pause).await.is_none() {
                return Stopped::Closed;
            }
        }
    }

    /// Waits for a token refresh that is under way, and announces the stop only then, because the process may exit as
    /// soon as it knows. Calls end before the last item is given out. That item waits until the program has taken the
    /// items before it, or dropped its `Events`.
    async fn stop(mut self, why: Stopped) {
        self.fetching.finish().await;
        self.ends.phase.send_replace(Phase::Stopped(why.clone()));
        self.calls.stop(&why);
        self.ends.calls.close();
        // Dropping a queued call ends its caller's wait.
        while self.ends.calls.try_recv().is_ok() {}
        self.give(Item::Stopped(why));
        self.deliver().await;
    }

    /// Gives an item to the program, or holds it while the queue is full.
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
                Err(_) => self.held.clear(), // the program dropped its `Events`
            }
        }
    }

    /// Tells the program about the new connection, and sends the calls without an answer again.
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
