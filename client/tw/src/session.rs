//! The sign-in that is kept between commands: one file, readable by its owner only, replaced in one step, and a lock
//! so that commands which refresh at the same time do not log each other out.

use crate::{clock::now_ms, fault::Fault, output};
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use taskwire_client::{
    Boxed, TokenError, TokenSource,
    protocol::{UserId, account::Tokens},
    refresh,
};

/// A token that ends sooner than this is refreshed before it is used, in milliseconds.
const NEAR_ITS_END_MS: i64 = 30_000;
/// More bytes than a session has.
const ROOM: usize = 8192;

/// A sign-in at one server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) url: String,
    email: String,
    /// Not in a file that an older version wrote.
    user_id: Option<UserId>,
    access_token: String,
    refresh_token: Option<String>,
    /// By this machine's clock, in milliseconds since 1970.
    expires_at: i64,
}

impl Session {
    pub(crate) fn new(url: &str, tokens: Tokens) -> Session {
        let lifetime = i64::try_from(tokens.expires_in)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        Session {
            url: url.to_owned(),
            email: tokens.user.email.to_string(),
            user_id: Some(tokens.user.id),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_at: now_ms().saturating_add(lifetime),
        }
    }

    /// Whether both are sign-ins of one person at one server.
    pub(crate) fn same_person(&self, other: &Session) -> bool {
        let same = match (self.user_id, other.user_id) {
            (Some(one), Some(other)) => one == other,
            _ => self.email == other.email,
        };
        same && self.url == other.url
    }
}

/// Where the session is kept.
#[derive(Clone, Debug)]
pub(crate) struct SessionFile {
    folder: PathBuf,
}

impl SessionFile {
    /// Under `$XDG_STATE_HOME`, or what stands for it on this system.
    pub(crate) fn find() -> Result<SessionFile, Fault> {
        let base = etcetera::choose_base_strategy()
            .map_err(|error| Fault::other(format!("{error}: set HOME or XDG_STATE_HOME")))?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(SessionFile {
            folder: state.join("taskwire"),
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.join("session.json")
    }

    /// The session, when there is one.
    pub(crate) fn load(&self) -> io::Result<Option<Session>> {
        match fs::read(self.path()) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                let text = format!(
                    "{} cannot be read: {error}; run `tw login`",
                    self.path().display()
                );
                io::Error::new(io::ErrorKind::InvalidData, text)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(&self.path(), &error)),
        }
    }

    /// Replaces the session.
    pub(crate) fn save(&self, session: &Session) -> io::Result<()> {
        self.replacement()?.save(session)
    }

    /// A place for the next session, with room on the disk.
    fn replacement(&self) -> io::Result<Replacement> {
        let file = place(&self.folder).map_err(|error| named(&self.folder, &error))?;
        let path = self.path();
        Ok(Replacement { file, path })
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for other commands that change the session. Held until the file is dropped.
    pub(crate) async fn lock(&self) -> io::Result<File> {
        let folder = self.folder.clone();
        let path = folder.join("session.lock");
        let locked =
            tokio::task::spawn_blocking(move || locked(&folder, &path).map_err(|error| named(&path, &error)));
        locked.await.map_err(io::Error::other)?
    }
}

fn locked(folder: &Path, path: &Path) -> io::Result<File> {
    make_private(folder)?;
    let file = File::options().create(true).append(true).open(path)?;
    file.lock()?;
    Ok(file)
}

fn place(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    make_private(folder)?;
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&[b' '; ROOM])?;
    file.as_file().sync_all()?;
    file.rewind()?;
    Ok(file)
}

/// An error that says where.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A session that will be kept, made before the server is asked for it: asking uses the old one up.
struct Replacement {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Replacement {
    /// In one step: a reader sees the old one or the new one, also after a power cut.
    fn save(self, session: &Session) -> io::Result<()> {
        let path = self.path.clone();
        self.write(session).map_err(|error| named(&path, &error))
    }

    fn write(mut self, session: &Session) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.file, session)?;
        self.file.write_all(b"\n")?;
        let length = self.file.stream_position()?;
        self.file.as_file().set_len(length)?;
        self.file.as_file().sync_all()?;
        self.file.persist(self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Tokens from the session file; refreshed ones go back there.
pub(crate) struct KeptTokens {
    file: SessionFile,
    /// The session that the command began with: it goes on as the same person, or ends.
    began: Session,
    /// A session that could not be written: the one in the file is used up.
    unsaved: Mutex<Option<Session>>,
}

impl KeptTokens {
    pub(crate) fn new(file: SessionFile, began: Session) -> KeptTokens {
        KeptTokens {
            file,
            began,
            unsaved: Mutex::default(),
        }
    }

    /// The session, when it is still one of this person.
    fn load(&self) -> Result<Session, TokenError> {
        if let Some(session) = &*self.unsaved() {
            return Ok(session.clone());
        }
        let session = self.file.load().map_err(|error| unkept(&error))?;
        session
            .filter(|session| session.same_person(&self.began))
            .ok_or_else(|| {
                TokenError::SignedOut(format!(
                    "no session of {} at {}",
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
        // Another command may have been first.
        let session = self.load()?;
        if usable(&session) {
            return Ok(session.access_token);
        }
        let Some(refresh_token) = &session.refresh_token else {
            return Err(TokenError::SignedOut("the session has ended".to_owned()));
        };
        let url = &self.began.url;
        let replacement = self.file.replacement().map_err(|error| unkept(&error))?;
        let session = Session::new(url, refresh(url, refresh_token).await?);
        let token = session.access_token.clone();
        let saved = replacement.save(&session);
        if let Err(error) = &saved {
            output::note(&format!(
                "tw: this session cannot be kept, sign in again after this command with `tw login`: {error}"
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
    TokenError::Unkept(format!("the session cannot be kept or read: {error}"))
}

impl TokenSource for KeptTokens {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(self.fresh(stale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(access_token: &str, expires_at: i64) -> Session {
        Session {
            url: "http://a".to_owned(),
            email: "ada@example.com".to_owned(),
            user_id: None,
            access_token: access_token.to_owned(),
            refresh_token: None,
            expires_at,
        }
    }

    #[test]
    fn a_session_is_private_and_comes_back() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = SessionFile {
            folder: folder.path().join("taskwire"),
        };
        assert!(file.load()?.is_none());
        file.save(&session("one", 7))?;
        file.save(&session("two", 8))?;
        assert_eq!(
            file.load()?.map(|session| session.access_token).as_deref(),
            Some("two")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).map(|data| data.permissions().mode() & 0o777);
            assert_eq!((mode(&file.path())?, mode(&file.folder)?), (0o600, 0o700));
        }
        file.remove()?;
        file.remove()?;
        assert!(file.load()?.is_none());
        Ok(())
    }

    #[tokio::test]
    async fn a_token_that_another_command_refreshed_is_taken_from_the_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = SessionFile {
            folder: folder.path().to_owned(),
        };
        file.save(&session("fresh", i64::MAX))?;
        let tokens = KeptTokens::new(file, session("stale", i64::MAX));
        let token = tokens.token(Some("stale")).await.ok();
        assert_eq!(token.as_deref(), Some("fresh"));
        let refused = tokens.token(Some("fresh")).await;
        assert!(matches!(refused, Err(TokenError::SignedOut(_))));
        Ok(())
    }

    #[tokio::test]
    async fn a_command_goes_on_as_nobody_else() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = SessionFile {
            folder: folder.path().to_owned(),
        };
        let ada = session("adas", i64::MAX);
        let tokens = KeptTokens::new(file.clone(), ada.clone());
        let mut bob = session("bobs", i64::MAX);
        bob.email = "bob@example.com".to_owned();
        file.save(&bob)?;
        let refused = tokens.token(Some("adas")).await;
        assert!(matches!(refused, Err(TokenError::SignedOut(_))), "{refused:?}");
        file.save(&ada)?;
        assert_eq!(tokens.token(None).await.ok().as_deref(), Some("adas"));
        Ok(())
    }

    #[test]
    fn a_person_who_changed_their_address_is_the_same() {
        let (mut one, mut two) = (session("one", 0), session("two", 0));
        two.email = "ada@example.org".to_owned();
        assert!(!one.same_person(&two));
        one.user_id = Some(UserId(uuid::Uuid::from_u128(1)));
        two.user_id = one.user_id;
        assert!(one.same_person(&two));
    }
}
