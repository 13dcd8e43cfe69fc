//! Makes a client from the session, the environment and the command line.

use crate::{
    fault::Fault,
    kept_tokens::KeptTokens,
    session::{Session, SessionFile},
    terminal::note,
};
use std::{io, time::Duration};
use taskwire_client::{Client, Config, Disconnected, Events, FixedToken, Item};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
/// A command waits this long for a server that restarts, and then gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server, and the user's sign-in there.
pub(crate) struct Context {
    pub(crate) url: String,
    pub(crate) file: SessionFile,
    /// The token from the environment. It replaces the kept session and is never stored.
    pub(crate) token: Option<String>,
    /// The kept session, if it belongs to this server.
    pub(crate) session: Option<Session>,
}

impl Context {
    pub(crate) fn new(server: Option<String>) -> Result<Context, Fault> {
        // An empty `TASKWIRE_URL` counts as unset.
        let server = server
            .map(|url| url.trim().trim_end_matches('/').to_owned())
            .filter(|url| !url.is_empty());
        let token = std::env::var("TASKWIRE_TOKEN")
            .ok()
            .filter(|token| !token.is_empty());
        let file = SessionFile::find()?;
        let kept = match file.load() {
            // The file is not needed here, so it may be missing or broken.
            _ if token.is_some() && server.is_some() => None,
            // A new sign-in replaces the broken file.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                note(&format!("tw: {error}"));
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
        // Check the address before asking for a password.
        context.anonymous().check()?;
        Ok(context)
    }

    /// The configuration of a signed-in client.
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

    /// The error of a command that needs a session.
    pub(crate) fn signed_out(&self) -> Fault {
        Fault::signed_out(&format!("not signed in at {}", self.url))
    }

    /// The configuration for signing in.
    pub(crate) fn anonymous(&self) -> Config {
        Config::anonymous(&self.url).named("tw", env!("CARGO_PKG_VERSION"))
    }

    /// A connected client that makes calls only.
    pub(crate) async fn connect(&self) -> Result<Client, Fault> {
        let config = self.config()?.following([]).patient_for(PATIENCE);
        let (client, events) = Client::connect(config)?;
        self.connected(events).await?;
        Ok(client)
    }

    /// Waits for the first connection. A server that cannot be reached is an error at once; a token that the server
    /// refuses is refreshed first.
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
