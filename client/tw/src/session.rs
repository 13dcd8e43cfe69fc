//! The sessions that are kept between commands, one for each server: one file that only its owner can read and that is
//! replaced in one step, and a lock, so that commands that refresh at the same time do not log each other out.

#[cfg(test)]
pub(crate) mod tests;

use crate::{clock::now_ms, fault::Fault};
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};
use taskwire_client::{
    Config,
    protocol::{
        Secret, UserId,
        account::{Tokens, User},
    },
};

/// The space that a file reserves beside what it has: more bytes than a session needs.
const ROOM: u64 = 8192;

/// A sign-in at one server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) email: String,
    /// Missing in files of older versions.
    pub(crate) user_id: Option<UserId>,
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    /// By this machine's clock, in milliseconds since 1970.
    pub(crate) expires_at: i64,
    /// Whether the access token is an API token, which nothing refreshes.
    #[serde(default)]
    pub(crate) api_token: bool,
    /// The address that the person asked for and has not verified yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pending_email: Option<String>,
}

impl Session {
    /// A session by an API token. The server alone knows when it ends.
    pub(crate) fn by_api_token(url: &str, token: String, user: &User) -> Session {
        Session {
            url: url.to_owned(),
            email: user.email.to_string(),
            user_id: Some(user.id),
            access_token: token,
            refresh_token: None,
            expires_at: i64::MAX,
            api_token: true,
            pending_email: None,
        }
    }

    pub(crate) fn new(url: &str, tokens: Tokens) -> Session {
        let lifetime = i64::try_from(tokens.expires_in)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        Session {
            url: url.to_owned(),
            email: tokens.user.email.to_string(),
            user_id: Some(tokens.user.id),
            access_token: tokens.access_token.into_exposed(),
            refresh_token: tokens.refresh_token.map(Secret::into_exposed),
            expires_at: now_ms().saturating_add(lifetime),
            api_token: false,
            pending_email: None,
        }
    }

    /// Whether both sessions belong to one person at one server.
    pub(crate) fn same_person(&self, other: &Session) -> bool {
        let same = match (self.user_id, other.user_id) {
            (Some(one), Some(other)) => one == other,
            _ => self.email == other.email,
        };
        same && self.url == other.url
    }

    /// This session after `before`: a wanted address stays wanted while the account's address is the same.
    fn after(mut self, before: &Session) -> Session {
        if self.email == before.email && self.pending_email.is_none() {
            self.pending_email.clone_from(&before.pending_email);
        }
        self
    }
}

/// The sessions of one person at several servers, at most one for each server. The latest sign-in comes first.
#[derive(Default, Serialize)]
pub(crate) struct Sessions {
    sessions: Vec<Session>,
}

/// The file's content. Older versions kept one session.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Several { sessions: Vec<Session> },
    One(Session),
}

impl From<Stored> for Sessions {
    fn from(stored: Stored) -> Sessions {
        let mut sessions = match stored {
            Stored::Several { sessions } => sessions,
            Stored::One(session) => vec![session],
        };
        for session in &mut sessions {
            // Older versions kept the address as it was typed.
            if let Ok(url) = Config::anonymous(&session.url).server() {
                session.url = url;
            }
        }
        Sessions { sessions }
    }
}

impl Sessions {
    /// The latest sign-in.
    pub(crate) fn latest(&self) -> Option<&Session> {
        self.sessions.first()
    }

    /// The session at this server.
    pub(crate) fn at(&self, url: &str) -> Option<&Session> {
        self.sessions.iter().find(|session| session.url == url)
    }

    /// Adds a sign-in. It replaces the session at its server.
    pub(crate) fn add(&mut self, mut session: Session) {
        if let Some(before) = self.at(&session.url) {
            session = session.after(before);
        }
        self.remove(&session.url);
        self.sessions.insert(0, session);
    }

    /// Replaces the session at this session's server, at its place.
    pub(crate) fn renew(&mut self, session: &Session) {
        for kept in &mut self.sessions {
            if kept.url == session.url {
                *kept = session.clone().after(kept);
            }
        }
    }

    /// Removes the session at this server. `false` if there is none.
    pub(crate) fn remove(&mut self, url: &str) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|session| session.url != url);
        self.sessions.len() < before
    }
}

/// The session file, by its folder.
#[derive(Clone, Debug)]
pub(crate) struct SessionFile {
    pub(crate) folder: PathBuf,
}

impl SessionFile {
    /// Under `$XDG_STATE_HOME`, or this system's counterpart.
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

    /// The sessions that are kept. The error's kind is `InvalidData` if the file is broken.
    pub(crate) fn load(&self) -> io::Result<Sessions> {
        match fs::read(self.path()) {
            Ok(bytes) => serde_json::from_slice::<Stored>(&bytes)
                .map(Sessions::from)
                .map_err(|error| {
                    let text = format!(
                        "{} cannot be read: {error}; run `tw login`, or remove it with `tw logout --local`",
                        self.path().display()
                    );
                    io::Error::new(io::ErrorKind::InvalidData, text)
                }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Sessions::default()),
            Err(error) => Err(named(&self.path(), &error)),
        }
    }

    /// The sessions that are kept; none if the file is broken.
    pub(crate) fn load_or_none(&self) -> io::Result<Sessions> {
        match self.load() {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Sessions::default()),
            loaded => loaded,
        }
    }

    /// Replaces the sessions. Without any session there is no file.
    pub(crate) fn save(&self, sessions: &Sessions) -> io::Result<()> {
        if sessions.sessions.is_empty() {
            return self.remove();
        }
        self.replacement()?.save(sessions)
    }

    /// A file for the next sessions, before anything is asked of the server that needs it.
    pub(crate) fn reserve(&self) -> Result<Replacement, Fault> {
        let reserved = || {
            self.load_or_none()?;
            let path = self.lock_path();
            open_lock(&self.folder, &path).map_err(|error| named(&path, &error))?;
            self.replacement()
        };
        reserved().map_err(|error: io::Error| {
            Fault::other(format!("cannot store the session at {error}; nothing was done"))
        })
    }

    /// Changes what is kept of this session, if it is still that person's.
    pub(crate) async fn change(
        &self,
        session: &Session,
        change: impl FnOnce(&mut Session),
    ) -> io::Result<()> {
        let _lock = self.lock().await?;
        let mut sessions = self.load()?;
        let kept = sessions
            .sessions
            .iter_mut()
            .find(|kept| kept.same_person(session));
        if let Some(kept) = kept {
            change(kept);
            self.save(&sessions)?;
        }
        Ok(())
    }

    /// A file for the next sessions, with its space on the disk reserved.
    pub(crate) fn replacement(&self) -> io::Result<Replacement> {
        let path = self.path();
        let room = ROOM + fs::metadata(&path).map_or(0, |data| data.len());
        let file = place(&self.folder, room).map_err(|error| named(&self.folder, &error))?;
        Ok(Replacement { file, path })
    }

    fn remove(&self) -> io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(&self.path(), &error)),
            _ => Ok(()),
        }
    }

    /// Waits for other commands that change the session. Dropping the file releases the lock.
    pub(crate) async fn lock(&self) -> io::Result<File> {
        let (folder, path) = (self.folder.clone(), self.lock_path());
        let locked =
            tokio::task::spawn_blocking(move || locked(&folder, &path).map_err(|error| named(&path, &error)));
        locked.await.map_err(io::Error::other)?
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.join("session.lock")
    }
}

fn locked(folder: &Path, path: &Path) -> io::Result<File> {
    let file = open_lock(folder, path)?;
    file.lock()?;
    Ok(file)
}

fn open_lock(folder: &Path, path: &Path) -> io::Result<File> {
    make_private(folder)?;
    File::options().create(true).append(true).open(path)
}

fn place(folder: &Path, room: u64) -> io::Result<tempfile::NamedTempFile> {
    make_private(folder)?;
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::copy(&mut io::repeat(b' ').take(room), &mut file)?;
    file.as_file().sync_all()?;
    file.rewind()?;
    Ok(file)
}

/// The error with the path in front.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The file for the next sessions. It is made before the server is asked for new tokens, because that request uses up
/// the old ones.
pub(crate) struct Replacement {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Replacement {
    /// Replaces the sessions in one step: a reader sees the old ones or the new ones, also after a power cut.
    pub(crate) fn save(self, sessions: &Sessions) -> io::Result<()> {
        let path = self.path.clone();
        self.write(sessions).map_err(|error| named(&path, &error))
    }

    fn write(mut self, sessions: &Sessions) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.file, sessions)?;
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
