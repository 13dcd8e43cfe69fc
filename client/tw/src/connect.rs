//! A client from the session, the environment and the command line.

use crate::{
    fault::Fault,
    output,
    session::{KeptTokens, Session, SessionFile},
};
use std::{io, time::Duration};
use taskwire_client::{Client, Config, Disconnected, Events, FixedToken, Item};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
/// A command rides out a server's restart, but not its absence.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which server, and as whom.
pub(crate) struct Context {
    pub(crate) url: String,
    pub(crate) file: SessionFile,
    /// From the environment: used instead of the kept session, and never kept.
    pub(crate) token: Option<String>,
    /// The kept session, when it is one of this server.
    pub(crate) session: Option<Session>,
}

impl Context {
    pub(crate) fn new(server: Option<String>) -> Result<Context, Fault> {
        // An empty `TASKWIRE_URL` names no server.
        let server = server
            .map(|url| url.trim().trim_end_matches('/').to_owned())
            .filter(|url| !url.is_empty());
        let token = std::env::var("TASKWIRE_TOKEN")
            .ok()
            .filter(|token| !token.is_empty());
        let file = SessionFile::find()?;
        let kept = match file.load() {
            // All is said without it, so it may be missing or broken.
            _ if token.is_some() && server.is_some() => None,
            // Signing in again replaces it.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                output::note(&format!("tw: {error}"));
                None
            }
            kept => kept?,
        };
        let url = server
            .or_else(|| kept.as_ref().map(|session| session.url.clone()))
            .unwrap_or_else(|| DEFAULT_URL.to_owned());
        let context = Context {
            session: kept.filter(|session| session.url == url),
            token,
            url,
            file,
        };
        // Before anybody is asked for a password.
        context.anonymous().check()?;
        Ok(context)
    }

    /// For a signed-in client.
    pub(crate) fn config(&self) -> Result<Config, Fault> {
        let config = match (&self.token, &self.session) {
            (Some(token), _) => Config::new(&self.url, FixedToken::new(token)),
            (None, Some(session)) => {
                Config::new(&self.url, KeptTokens::new(self.file.clone(), session.clone()))
            }
            (None, None) => return Err(self.signed_out()),
        };
        Ok(config.named("tw", env!("CARGO_PKG_VERSION")))
    }

    /// There is no session to use, or to end.
    pub(crate) fn signed_out(&self) -> Fault {
        Fault::signed_out(&format!("not signed in at {}", self.url))
    }

    /// For signing in.
    pub(crate) fn anonymous(&self) -> Config {
        Config::anonymous(&self.url).named("tw", env!("CARGO_PKG_VERSION"))
    }

    /// A client for calls, connected.
    pub(crate) async fn connect(&self) -> Result<Client, Fault> {
        let config = self.config()?.following([]).patient_for(PATIENCE);
        let (client, events) = Client::connect(config)?;
        self.connected(events).await?;
        Ok(client)
    }

    /// Waits for the first connection. A server that is not there is an error at once; a token that has to be
    /// refreshed is not.
    async fn connected(&self, mut events: Events) -> Result<(), Fault> {
        while let Some(item) = events.next().await {
            match item {
                Item::Connected(_) => return Ok(()),
                Item::Stopped(why) => return Err(why.into()),
                Item::Disconnected {
                    reason:
                        reason @ (Disconnected::Unreachable(_)
                        | Disconnected::TimedOut(_)
                        | Disconnected::NoToken(_)),
                    ..
                } => return Err(Fault::unreachable(Some(&self.url), &reason)),
                _ => {}
            }
        }
        Err(Fault::other("the client was closed"))
    }
}
