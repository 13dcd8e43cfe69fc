//! Secrets: masks them, detects weak ones, and provides the keys that sign access tokens. If no key is set, one is
//! generated and stored on disk. Does not know how tokens are made.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::file;

/// The minimum length, in bytes, of a signing key in production. HS256 requires it (RFC 7518, section 3.2).
pub const JWT_SECRET_BYTES: usize = 32;

/// The keys of access tokens.
#[derive(Clone, Debug)]
pub struct JwtKeys {
    /// Signs new tokens and checks them.
    pub current: SecretString,
    /// Checks tokens from before the last change of keys. Never signs.
    pub previous: Option<SecretString>,
}

/// The part of a secret that may be shown: of a URL its scheme, user, host and path; of an SQLite URL all; of anything
/// else nothing.
pub(super) fn mask(text: &str) -> String {
    if text.is_empty() || text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return "***".to_owned();
    };
    let (shown_user, rest) = match rest.rsplit_once('@') {
        // Only a plain name before a colon is certainly a user. Anything else may be part of a password.
        Some((who, rest)) => match who.split_once(':') {
            Some((user, _))
                if user
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "._%-".contains(letter)) =>
            {
                (format!("{user}:***@"), rest)
            }
            _ => ("***@".to_owned(), rest),
        },
        None => (String::new(), rest),
    };
    // Parameters may hold passwords.
    let (place, parameters) = rest
        .split_once('?')
        .map_or((rest, ""), |(place, _)| (place, "?***"));
    format!("{scheme}://{shown_user}{place}{parameters}")
}

/// Why a key is too weak to sign tokens in production; `None` if it is strong enough.
pub(super) fn weakness(key: &str) -> Option<&'static str> {
    let lower = key.to_lowercase();
    let placeholders = [
        "changeme",
        "change-me",
        "change_me",
        "your-secret",
        "your_secret",
        "secret-key",
        "secret_key",
    ];
    let mut letters: Vec<u8> = key.bytes().collect();
    letters.sort_unstable();
    letters.dedup();
    if key.len() < JWT_SECRET_BYTES {
        Some("is shorter than 32 bytes")
    } else if letters.len() < 8 || placeholders.iter().any(|placeholder| lower.contains(placeholder)) {
        Some("is a placeholder that anybody can guess")
    } else {
        None
    }
}

/// Creates a folder that only this user can enter. An existing folder stays unchanged.
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| at(folder, &error))
}

/// The key stored in `file`. Generates the file if it is missing.
pub(super) fn kept_key(file: &Path) -> io::Result<SecretString> {
    if !file.exists() {
        generate_key(file)?;
    }
    let key = file::read(file).map_err(|unread| at(file, &io::Error::other(unread.reason())))?;
    let key = key.trim();
    if key.len() < JWT_SECRET_BYTES {
        let message = format!(
            "{} has no key of at least 32 bytes; remove the file, and the node generates a new key",
            file.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(SecretString::from(key))
}

/// Writes a draft and then links it into place. So the file is either complete or missing, and two processes that start
/// together get the same key.
fn generate_key(file: &Path) -> io::Result<()> {
    let key: [u8; 48] = rand::random();
    let key = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, key);
    let draft = draft_of(file);
    let linked = write_private(&draft, &key).and_then(|()| match fs::hard_link(&draft, file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links: the file is still complete or missing, but two processes may get two keys.
        Err(_) => fs::rename(&draft, file),
        Ok(()) => Ok(()),
    });
    // An error here is ignored: a leftover draft does no harm.
    drop(fs::remove_file(&draft));
    linked.map_err(|error| at(file, &error))
}

/// Puts a text into a file that only this user can read, in place of what it had. The file is complete at any time.
pub(super) fn replace_private(file: &Path, text: &str) -> io::Result<()> {
    let draft = draft_of(file);
    let replaced = write_private(&draft, text).and_then(|()| fs::rename(&draft, file));
    replaced.map_err(|error| {
        drop(fs::remove_file(&draft));
        at(file, &error)
    })
}

fn draft_of(file: &Path) -> PathBuf {
    file.with_extension(format!("{:016x}", rand::random::<u64>()))
}

/// Writes a new file that only this user can read.
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{mask, weakness};

    #[test]
    fn a_masked_url_keeps_scheme_user_host_and_path_only() {
        assert_eq!(
            mask("postgres://ada:s3cret@db:5432/tasks"),
            "postgres://ada:***@db:5432/tasks"
        );
        assert_eq!(
            mask("postgres://ada:s3:cr/e@t@db/tasks"),
            "postgres://ada:***@db/tasks"
        );
        assert_eq!(mask("redis://:s3cret@cache"), "redis://:***@cache");
        assert_eq!(mask("redis://s3cret@cache"), "redis://***@cache");
        assert_eq!(
            mask("postgres://db/tasks?password=s3cret"),
            "postgres://db/tasks?***"
        );
        assert!(!mask("postgres://db/tasks?user=ada&password=s3:cr@et").contains("s3"));
        assert_eq!(mask("s3cret"), "***");
        assert_eq!(mask("sqlite:data/tasks.db"), "sqlite:data/tasks.db");
        assert_eq!(mask(""), "");
    }

    #[test]
    fn short_and_well_known_keys_are_weak() {
        assert!(weakness("short").is_some());
        assert!(weakness("change-me-change-me-change-me-change-me").is_some());
        assert!(weakness(&"a".repeat(64)).is_some());
        assert!(weakness("yCkT1gX0q8LZpN5vB2rW7mJ4sD9fH6aE").is_none());
    }
}
