//! A client's configuration. The server's address is checked when the client connects, or on demand.

use crate::{
    address::Address,
    dial::{Dial, Tcp},
    error::ConfigError,
    tokens::{FixedToken, RefreshedTokens, TokenSource},
};
use std::{sync::Arc, time::Duration};
use taskwire_protocol::{
    StreamId,
    account::{AllStreams, Resume, Streams, Tokens},
};

/// A client's configuration.
///
/// ```
/// use std::time::Duration;
/// use taskwire_client::{Config, FixedToken};
///
/// let config = Config::new("https://tasks.example.com", FixedToken::new("…"))
///     .named("reminder-bot", "1.4.0")
///     .patient_for(Duration::from_secs(60));
/// assert!(config.check().is_ok());
/// assert!(Config::new("tasks.example.com", FixedToken::new("…")).check().is_err(), "it needs http:// or https://");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The server's base address: `http`, `https`, `ws` or `wss`, a host, and a port and a path where needed.
    pub url: String,
    /// Where access tokens come from.
    pub tokens: Arc<dyn TokenSource>,
    /// The streams to follow. Default: every stream that the user may read.
    pub streams: Streams,
    /// Positions that an earlier process kept, see [`crate::Events::positions`]: events continue from there.
    pub resume: Option<Resume>,
    /// The program's name, for the list of sessions.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// The largest number of requests under way. The server has a limit too; the lower one applies. Default: 64.
    pub in_flight: usize,
    /// The largest number of items that wait for the program. When it is reached, the client stops reading from the
    /// socket. Default: 1024.
    pub event_buffer: usize,
    /// The time limit of one attempt to connect, up to the `welcome`. Default: 10 s.
    pub connect_timeout: Duration,
    /// The client gives up when it had no `welcome` for this long. Default: `None`, it never gives up.
    pub patience: Option<Duration>,
    /// How the client opens a byte stream to the server. Default: TCP.
    pub dial: Arc<dyn Dial>,
}

impl Config {
    /// A client of this server that follows every stream its user may read.
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

    /// A client that has just signed in. It refreshes its tokens as needed and keeps them in memory.
    pub fn signed_in(url: impl Into<String>, tokens: Tokens) -> Config {
        let url = url.into();
        Config::new(url.clone(), RefreshedTokens::new(url, tokens))
    }

    /// A client without a user, for [`crate::call_once`]. Its `patience` is 10 s: a server that restarts is away for
    /// less.
    pub fn anonymous(url: impl Into<String>) -> Config {
        Config::new(url, FixedToken::new("")).patient_for(Duration::from_secs(10))
    }

    /// Checks the server's address without connecting.
    ///
    /// # Errors
    /// The error that [`crate::Client::connect`] would return for this address.
    pub fn check(&self) -> Result<(), ConfigError> {
        Address::parse(&self.url).map(drop)
    }

    /// The server's address in one form: `http` or `https`, the host in lower case, no default port, no slash at the
    /// end. Two configurations of one server have the same.
    ///
    /// ```
    /// let config = taskwire_client::Config::anonymous("WSS://Tasks.example.com:443/team/");
    /// assert_eq!(config.server().ok().as_deref(), Some("https://tasks.example.com/team"));
    /// ```
    ///
    /// # Errors
    /// The error that [`crate::Client::connect`] would return for this address.
    pub fn server(&self) -> Result<String, ConfigError> {
        let address = Address::parse(&self.url)?;
        Ok(address.http.as_str().trim_end_matches('/').to_owned())
    }

    /// Follows only these streams. With none, the client makes calls and gets no events.
    #[must_use]
    pub fn following(mut self, streams: impl IntoIterator<Item = StreamId>) -> Config {
        self.streams = Streams::These(streams.into_iter().map(|stream| stream.to_string()).collect());
        self
    }

    /// Sets the program's name and version.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>, version: impl Into<String>) -> Config {
        self.name = name.into();
        self.version = version.into();
        self
    }

    /// Continues where an earlier process stopped.
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

    /// Opens byte streams to the server with this `dial` instead of TCP.
    #[must_use]
    pub fn dialling(mut self, dial: impl Dial) -> Config {
        self.dial = Arc::new(dial);
        self
    }
}
