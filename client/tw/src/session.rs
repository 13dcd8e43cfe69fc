//! The session that is kept between commands: one file that only its owner can read and that is replaced in one step,
//! and a lock, so that commands that refresh at the same time do not log each other out.

use crate::{clock::now_ms, fault::Fault};
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};
use taskwire_client::protocol::{UserId, account::Tokens};

/// The space that a file reserves: more bytes than a session needs.
const ROOM: usize = 8192;

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

    /// Whether both sessions belong to one person at one server.
    pub(crate) fn same_person(&self, other: &Session) -> bool {
        let same = match (self.user_id, other.user_id) {
            (Some(one), Some(other)) => one == other,
            _ => self.email == other.email,
        };
        same && self.url == other.url
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

    /// The session, if one is kept.
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

    /// A file for the next session, with its space on the disk reserved.
    pub(crate) fn replacement(&self) -> io::Result<Replacement> {
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

    /// Waits for other commands that change the session. Dropping the file releases the lock.
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

/// The error with the path in front.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The file for the next session. It is made before the server is asked for new tokens, because that request uses up
/// the old ones.
pub(crate) struct Replacement {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Replacement {
    /// Replaces the session in one step: a reader sees the old one or the new one, also after a power cut.
    pub(crate) fn save(self, session: &Session) -> io::Result<()> {
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn session(access_token: &str, expires_at: i64) -> Session {
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
    fn a_saved_session_is_private_and_can_be_loaded() -> io::Result<()> {
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
