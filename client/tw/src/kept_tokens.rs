//! The token source of `tw`: the tokens of the session file. One command refreshes them for all that run.

use crate::{
    clock::now_ms,
    session::{Session, SessionFile},
    terminal,
};
use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use taskwire_client::{Boxed, CallError, Http, Stopped, TokenError, TokenSource, refresh_over};

/// A token that expires sooner than this is refreshed before it is used, in milliseconds.
const NEAR_ITS_END_MS: i64 = 30_000;

/// The tokens of the session file. It writes refreshed tokens back to the file.
pub(crate) struct KeptTokens {
    file: SessionFile,
    /// The session at the command's start. The command ends if the file belongs to another person later.
    began: Session,
    /// The time limit of one attempt to connect for a refresh.
    attempt: Duration,
    /// A refreshed session that could not be written. The refresh token in the file is used up.
    unsaved: Mutex<Option<Session>>,
}

impl KeptTokens {
    pub(crate) fn new(file: SessionFile, began: Session, attempt: Duration) -> KeptTokens {
        KeptTokens {
            file,
            began,
            attempt,
            unsaved: Mutex::default(),
        }
    }

    /// The session, if it still belongs to this person.
    fn load(&self) -> Result<Session, TokenError> {
        if let Some(session) = &*self.unsaved() {
            return Ok(session.clone());
        }
        let sessions = self.file.load().map_err(|error| unkept(&error))?;
        let session = sessions.at(&self.began.url).cloned();
        session
            .filter(|session| session.same_person(&self.began))
            .ok_or_else(|| {
                TokenError::SignedOut(format!(
                    "{} is no longer signed in at {}",
                    self.began.email, self.began.url
                ))
            })
    }

    async fn fresh(&self, stale: Option<&str>) -> Result<String, TokenError> {
        let usable = |session: &Session| {
            stale != Some(session.access_token.as_str()) && session.expires_at > now_ms() + NEAR_ITS_END_MS
        };
        let session = self.load()?;
        if usable(&session) {
            return Ok(session.access_token);
        }
        let _lock = self.file.lock().await.map_err(|error| unkept(&error))?;
        // Another command may have refreshed it meanwhile.
        let session = self.load()?;
        if usable(&session) {
            return Ok(session.access_token);
        }
        let Some(refresh_token) = &session.refresh_token else {
            return Err(if session.api_token {
                TokenError::NoOther
            } else {
                TokenError::SignedOut("the session has ended".to_owned())
            });
        };
        let url = &self.began.url;
        let replacement = self.file.replacement().map_err(|error| unkept(&error))?;
        let http = Http::reaching(url, self.attempt);
        let http = http.map_err(|error| TokenError::Unavailable(error.to_string()))?;
        // a refresh token is sent only to a server that is there: if the answer got lost, the session would end
        http.knock(self.attempt).await.map_err(|error| {
            TokenError::Unavailable(match error {
                CallError::Stopped(Stopped::Unreachable(why)) => why.to_string(),
                error => error.to_string(),
            })
        })?;
        let session = Session::new(url, refresh_over(http, refresh_token).await?);
        let token = session.access_token.clone();
        let saved = self.file.load().and_then(|mut sessions| {
            sessions.renew(&session);
            replacement.save(&sessions)
        });
        if let Err(error) = &saved {
            terminal::note(&format!(
                "tw: the session cannot be saved ({error}); run `tw login` after this command"
            ));
        }
        *self.unsaved() = saved.is_err().then_some(session);
        Ok(token)
    }

    fn unsaved(&self) -> MutexGuard<'_, Option<Session>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unkept(error: &io::Error) -> TokenError {
    TokenError::Unkept(format!("the session file cannot be read or written: {error}"))
}

impl TokenSource for KeptTokens {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(self.fresh(stale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::{save_one, session};

    #[tokio::test]
    async fn a_token_that_another_command_refreshed_is_taken_from_the_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = SessionFile {
            folder: folder.path().to_owned(),
        };
        save_one(&file, session("fresh", i64::MAX))?;
        let tokens = KeptTokens::new(file, session("stale", i64::MAX), Duration::ZERO);
        let token = tokens.token(Some("stale")).await.ok();
        assert_eq!(token.as_deref(), Some("fresh"));
        let refused = tokens.token(Some("fresh")).await;
        assert!(matches!(refused, Err(TokenError::SignedOut(_))));
        Ok(())
    }

    #[tokio::test]
    async fn a_command_does_not_use_another_persons_session() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = SessionFile {
            folder: folder.path().to_owned(),
        };
        let ada = session("adas", i64::MAX);
        let tokens = KeptTokens::new(file.clone(), ada.clone(), Duration::ZERO);
        let mut bob = session("bobs", i64::MAX);
        bob.email = "bob@example.com".to_owned();
        save_one(&file, bob)?;
        let refused = tokens.token(Some("adas")).await;
        assert!(matches!(refused, Err(TokenError::SignedOut(_))), "{refused:?}");
        save_one(&file, ada)?;
        assert_eq!(tokens.token(None).await.ok().as_deref(), Some("adas"));
        Ok(())
    }
}
