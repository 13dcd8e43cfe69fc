//! Makes a client from the session, the environment and the command line.

use crate::{
    fault::{Fault, bare, without_numbers},
    kept_tokens::KeptTokens,
    session::{Session, SessionFile, Sessions},
    terminal::note,
    waiting::{served, waiting},
};
use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};
use taskwire_client::{
    CallError, Client, Config, Disconnected, Events, FixedToken, Http, Item, Stopped, TokenError,
    protocol::{CloseCode, close::Then},
};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
/// A command that was connected waits at least this long for a server that restarts, and then gives up.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest time of one attempt to connect.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The time of the only attempt when there is no time to wait.
const ONLY_ATTEMPT: Duration = Duration::from_secs(3);

/// The server, and the user's sign-in there.
pub(crate) struct Context {
    pub(crate) url: String,
    pub(crate) file: SessionFile,
    /// How long to try to reach the server.
    pub(crate) wait: Duration,
    /// The token from the environment. It replaces the kept session and is never stored.
    pub(crate) token: Option<String>,
    /// The kept session, if it belongs to this server.
    pub(crate) session: Option<Session>,
}

impl Context {
    pub(crate) fn new(server: Option<String>, wait: Duration) -> Result<Context, Fault> {
        // An empty `TASKWIRE_URL` counts as unset. The address is checked before `tw` asks for a password.
        let server = server
            .filter(|url| !url.trim().is_empty())
            .map(|url| Config::anonymous(url).server())
            .transpose()?;
        let token = std::env::var("TASKWIRE_TOKEN")
            .ok()
            .filter(|token| !token.is_empty());
        let file = SessionFile::find()?;
        let kept = match file.load() {
            // The file is not needed here, so it may be missing or broken.
            _ if token.is_some() && server.is_some() => Sessions::default(),
            // A new sign-in replaces the broken file.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                note(&format!("tw: {error}"));
                Sessions::default()
            }
            kept => kept?,
        };
        let url = server
            .or_else(|| kept.latest().map(|session| session.url.clone()))
            .unwrap_or_else(|| DEFAULT_URL.to_owned());
        Ok(Context {
            session: kept.at(&url).cloned(),
            token,
            url,
            file,
            wait,
        })
    }

    /// The time limit of one attempt to connect: a server that is silent is given up as soon as one that refuses.
    pub(crate) fn attempt(&self) -> Duration {
        if self.wait.is_zero() {
            return ONLY_ATTEMPT;
        }
        self.wait.min(ATTEMPT)
    }

    /// The configuration of a signed-in client.
    pub(crate) fn config(&self) -> Result<Config, Fault> {
        let config = match (&self.token, &self.session) {
            (Some(token), _) => Config::new(&self.url, FixedToken::new(token)),
            (None, Some(session)) => {
                let tokens = KeptTokens::new(self.file.clone(), session.clone(), self.attempt());
                Config::new(&self.url, tokens)
            }
            (None, None) => return Err(self.signed_out()),
        };
        Ok(config.named("tw", env!("CARGO_PKG_VERSION")))
    }

    /// The error of a command that needs a session.
    pub(crate) fn signed_out(&self) -> Fault {
        Fault::signed_out(&format!("not signed in at {}", self.url))
    }

    /// The configuration for signing in.
    pub(crate) fn anonymous(&self) -> Config {
        let mut config = Config::anonymous(&self.url).named("tw", env!("CARGO_PKG_VERSION"));
        config.connect_timeout = self.attempt();
        config.patient_for(self.wait)
    }

    /// The server's routes over HTTP, once it has answered something small: what follows may take it long.
    pub(crate) async fn http(&self) -> Result<Http, Fault> {
        let limit = self.attempt();
        let http = Http::reaching(&self.url, limit)?;
        let http = http.named("tw", env!("CARGO_PKG_VERSION")).patient_for(self.wait);
        let knocked = waiting(&self.answer(), http.knock(limit)).await;
        knocked.map_err(|error| match error {
            CallError::Stopped(Stopped::Unreachable(why)) => Fault::unreachable(Some(&self.url), &why),
            error => error.into(),
        })?;
        Ok(http)
    }

    /// What a command waits for.
    pub(crate) fn answer(&self) -> String {
        format!("the answer of {}", self.url)
    }

    /// An access token for HTTP, or the API token.
    pub(crate) async fn access_token(&self) -> Result<String, Fault> {
        let config = self.config()?;
        let token = waiting(&self.answer(), config.tokens.token(None)).await;
        token.map_err(|error| match error {
            TokenError::SignedOut(why) => self.stopped(Stopped::SignedOut(why)),
            error => Fault::unreachable(Some(&self.url), &Disconnected::NoToken(error)),
        })
    }

    /// A connected client that makes calls only.
    pub(crate) async fn connect(&self) -> Result<Client, Fault> {
        self.connect_with(self.config()?, |why| self.stopped(why)).await
    }

    /// A connected client that acts with this API token.
    pub(crate) async fn connect_by(&self, token: &str) -> Result<Client, Fault> {
        let config = Config::new(&self.url, FixedToken::new(token)).named("tw", env!("CARGO_PKG_VERSION"));
        let refused = |why| match why {
            Stopped::SignedOut(why) | Stopped::Revoked(why) => Fault::not_allowed(format!(
                "the server does not accept this API token: {}",
                bare(&why)
            )),
            why => why.into(),
        };
        self.connect_with(config, refused).await
    }

    /// Connects, makes calls, and closes the connection.
    pub(crate) async fn calling<T>(
        &self,
        calls: impl AsyncFnOnce(&Client) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let client = self.connect().await?;
        let done = served(&client, (&self.url, self.attempt()), calls(&client)).await;
        client.close().await;
        done
    }

    async fn connect_with(
        &self,
        config: Config,
        stopped: impl Fn(Stopped) -> Fault,
    ) -> Result<Client, Fault> {
        let mut config = config.following([]).patient_for(PATIENCE.max(self.wait));
        config.connect_timeout = self.attempt();
        let (client, events) = Client::connect(config)?;
        waiting(&self.answer(), self.connected(events, stopped)).await?;
        Ok(client)
    }

    /// Waits for the first connection. The client tries again while the server cannot be reached or cannot serve, and
    /// refreshes a token that the server refuses.
    async fn connected(&self, mut events: Events, stopped: impl Fn(Stopped) -> Fault) -> Result<(), Fault> {
        let (began, mut told) = (Instant::now(), false);
        while let Some(item) = events.next().await {
            let (reason, retry_in) = match item {
                Item::Connected(_) => return Ok(()),
                Item::Stopped(why) => return Err(stopped(why)),
                Item::Disconnected { reason, retry_in } if !wants_a_token(&reason) => (reason, retry_in),
                _ => continue,
            };
            // The server was not asked: this machine cannot read or write the session.
            let unkept = matches!(reason, Disconnected::NoToken(TokenError::Unkept(_)));
            if unkept || began.elapsed() + retry_in >= self.wait {
                return Err(Fault::unreachable(Some(&self.url), &reason));
            }
            if !told && io::stderr().is_terminal() {
                let (url, seconds) = (&self.url, self.wait.as_secs());
                note(&format!(
                    "tw: no answer from {url} yet ({reason}); trying for {seconds} s"
                ));
            }
            told = true;
        }
        Err(Fault::other("the client was closed"))
    }

    /// The error when a client stops. Nothing refreshes an API token or one from the environment, so a person has to bring
    /// another one.
    pub(crate) fn stopped(&self, why: Stopped) -> Fault {
        let said = match &why {
            Stopped::SignedOut(said) | Stopped::Revoked(said) => bare(said),
            _ => return why.into(),
        };
        match (&self.token, &self.session) {
            (Some(_), _) => Fault::not_allowed(format!(
                "TASKWIRE_TOKEN: {said}; set another one or unset the variable"
            )),
            (None, Some(kept)) if kept.api_token => Fault::not_allowed(format!(
                "the API token for {}: {said}; sign in with another one by `tw login --token`",
                self.url
            )),
            _ => why.into(),
        }
    }
}

/// Tells that a command that goes on until it is ended has no connection.
pub(crate) fn tell_lost(reason: &Disconnected, retry_in: Duration) {
    let seconds = retry_in.as_secs_f64();
    let when = if seconds < 0.05 {
        "now".to_owned()
    } else {
        format!("in {seconds:.1} s")
    };
    note(&without_numbers(format!(
        "tw: not connected ({reason}); trying again {when}"
    )));
}

/// Whether the client goes on with another token, or stops soon.
fn wants_a_token(reason: &Disconnected) -> bool {
    match reason {
        Disconnected::Refused(failure) => !failure.retryable,
        Disconnected::Closed { code, .. } => {
            CloseCode::from_code(*code).is_some_and(|code| matches!(code.then(), Then::Token))
        }
        _ => false,
    }
}
