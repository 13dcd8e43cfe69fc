//! What a client is told. The server's address is checked when it connects, or on demand.

use crate::{
    address::Address,
    dial::{Dial, Tcp},
    error::ConfigError,
    tokens::TokenSource,
};
use std::{sync::Arc, time::Duration};
use taskwire_protocol::{
    StreamId,
    account::{AllStreams, Resume, Streams},
};

/// What a client is told.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The server's base address: `http`, `https`, `ws` or `wss`, a host, a port, a path when it lies under one.
    pub url: String,
    /// Where access tokens come from.
    pub tokens: Arc<dyn TokenSource>,
    /// Which streams to follow; all when not said.
    pub streams: Streams,
    /// Where to go on: positions kept by an earlier process, see [`crate::Events::positions`].
    pub resume: Option<Resume>,
    /// What the program calls itself, for the list of sessions.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// Requests under way at most; the server's own limit counts too. 64 when not said.
    pub in_flight: usize,
    /// Items that wait for the program at most, before the client stops reading from the socket. 1024 when not said.
    pub event_buffer: usize,
    /// How long one try to connect may take, up to the `welcome`. 10 s when not said.
    pub connect_timeout: Duration,
    /// How long to go on without a `welcome` before giving up; for ever when `None`, which is the default.
    pub patience: Option<Duration>,
    /// How a byte stream to the server comes about; TCP when not said.
    pub dial: Arc<dyn Dial>,
}

impl Config {
    /// A client of this server that follows everything its user may read.
    pub fn new(url: impl Into<String>, tokens: impl TokenSource) -> Config {
        Config {
            url: url.into(),
            tokens: Arc::new(tokens),
            streams: Streams::All(AllStreams::All),
            resume: None,
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            in_flight: 64,
            event_buffer: 1024,
            connect_timeout: Duration::from_secs(10),
            patience: None,
            dial: Arc::new(Tcp),
        }
    }

    /// Whether the server's address is one, for a program that wants to know before it connects.
    ///
    /// # Errors
    /// What [`crate::Client::connect`] would say of it.
    pub fn check(&self) -> Result<(), ConfigError> {
        Address::parse(&self.url).map(drop)
    }

    /// Follows only these streams; with none of them the client makes calls and hears of no event.
    #[must_use]
    pub fn following(mut self, streams: impl IntoIterator<Item = StreamId>) -> Config {
        self.streams = Streams::These(streams.into_iter().map(|stream| stream.to_string()).collect());
        self
    }

    /// Says who the program is.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>, version: impl Into<String>) -> Config {
        self.name = name.into();
        self.version = version.into();
        self
    }

    /// Goes on where an earlier process stopped.
    #[must_use]
    pub fn resuming(mut self, resume: Resume) -> Config {
        self.resume = Some(resume);
        self
    }

    /// Gives up when there was no `welcome` for this long.
    #[must_use]
    pub fn patient_for(mut self, patience: Duration) -> Config {
        self.patience = Some(patience);
        self
    }

    /// Reaches the server in another way than TCP.
    #[must_use]
    pub fn dialling(mut self, dial: impl Dial) -> Config {
        self.dial = Arc::new(dial);
        self
    }
}
