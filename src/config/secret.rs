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

/// The schemes of the settings that are URLs. Of them a part may be shown, of all others nothing.
const URLS: [(&str, &[&str]); 4] = [
    ("database_url", &["postgres", "postgresql"]),
    ("redis_url", &["redis", "rediss", "redis+unix"]),
    ("smtp_url", &["smtp", "smtps"]),
    ("files_url", &["s3"]),
];

/// The part of a setting's secret that may be shown: of a URL its scheme, user, host and path, of the path of an SQLite file
/// all, of anything else nothing. What has not the form of such a URL may be a secret from its first letter on.
pub(super) fn mask(key: &str, text: &str) -> String {
    if text.is_empty() || (key == "database_url" && text.starts_with("sqlite:")) {
        return text.to_owned();
    }
    let of_url = URLS
        .iter()
        .find(|(name, _)| *name == key)
        .and_then(|(_, schemes)| masked_url(text, schemes));
    of_url.unwrap_or_else(|| "***".to_owned())
}

fn masked_url(text: &str, schemes: &[&str]) -> Option<String> {
    let (scheme, rest) = text
        .split_once("://")
        .filter(|(scheme, _)| schemes.contains(scheme))?;
    let is_plain = |text: &str, more: &str| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
        text.chars().all(fits)
    };
    let (shown_user, rest) = match rest.rsplit_once('@') {
        // Only a plain name before a colon is certainly a user. Anything else may be part of a password.
        // the @ may be one of the parameters, and what follows it a part of a secret
        Some((who, _)) if who.contains(['?', '#']) => return None,
        Some((who, rest)) => match who.split_once(':') {
            Some((user, _)) if is_plain(user, "._%-") => (format!("{user}:***@"), rest),
            _ => ("***@".to_owned(), rest),
        },
        None => (String::new(), rest),
    };
    // Parameters may hold passwords.
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (place, parameters) = rest.split_at(end);
    let parameters = if parameters.is_empty() { "" } else { "?***" };
    let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    // a word behind a colon that is no port may be a password that misses its host
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']'));
    let is_host = port.is_none_or(|(name, port)| {
        port.bytes().all(|digit| digit.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']'))
    });
    (is_host && is_plain(host, ".-_:[]%,") && is_plain(path, "/._~%-"))
        .then(|| format!("{scheme}://{shown_user}{place}{parameters}"))
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

/// Takes a file that is there away from everybody but its owner.
pub fn make_private(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let others = |found: &fs::Metadata| found.permissions().mode() & 0o077 != 0;
        if !file.metadata().as_ref().is_ok_and(others) {
            return;
        }
        let shown = file.display();
        match fs::set_permissions(file, fs::Permissions::from_mode(0o600)) {
            Ok(()) => tracing::warn!("others could read {shown}; now only the user of this node can"),
            Err(error) => tracing::warn!(
                error.message = %error,
                "others may read {shown}: make the user of this node its owner, and its mode 0600"
            ),
        }
    }
    #[cfg(not(unix))]
    let _ = file;
}

/// The key stored in `file`. Generates the file if it is missing.
pub(super) fn kept_key(file: &Path) -> io::Result<SecretString> {
    if file.exists() {
        make_private(file);
    } else {
        generate_key(file)?;
    }
    stored_key(file)
}

/// The same for a program that only asks a node: it makes and changes nothing. `None`: there is no key yet.
pub(super) fn found_key(file: &Path) -> io::Result<Option<SecretString>> {
    if file.try_exists().map_err(|error| at(file, &error))? {
        stored_key(file).map(Some)
    } else {
        Ok(None)
    }
}

fn stored_key(file: &Path) -> io::Result<SecretString> {
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
    use super::weakness;

    /// As `database_url`, or as `redis_url` where it is one.
    fn mask(text: &str) -> String {
        let key = if text.starts_with("redis") {
            "redis_url"
        } else {
            "database_url"
        };
        super::mask(key, text)
    }

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
    fn a_secret_that_looks_like_something_else_is_masked_too() {
        let schemes = [
            "",
            "x://",
            "sqlite:",
            "sqlite://",
            "postgres://",
            "redis://",
            "smtp://",
            "s3://",
            "https://",
        ];
        for key in [
            "jwt_secret",
            "jwt_secret_previous",
            "admin_password",
            "metrics_token",
        ] {
            for scheme in schemes {
                for form in [
                    "MARK",
                    "MARK/rest",
                    "user:MARK@host",
                    "host/MARK",
                    "host?MARK",
                    "MARK@host",
                ] {
                    assert_eq!(super::mask(key, &format!("{scheme}{form}")), "***", "{key}");
                }
            }
        }
        for (key, own) in [
            ("database_url", "postgres"),
            ("redis_url", "rediss"),
            ("smtp_url", "smtps"),
            ("files_url", "s3"),
        ] {
            for form in [
                "user:MARK@host/path",
                "MARK@host",
                "us er:MARK@host",
                "user:a/MARK@host:1/path",
                "user:a@MARK@host",
                "user:MARK",
                "user:1:MARK",
                "host?password=MARK",
                "host#MARK",
                "user:pass@host?MARK@host",
                "host?password=a@MARK",
                "host/a b MARK",
                "host/MARK\"\n",
            ] {
                let shown = super::mask(key, &format!("{own}://{form}"));
                assert!(!shown.contains("MARK"), "{key} {form}: {shown}");
                assert_eq!(super::mask(key, &format!("other://{form}")), "***", "{key}");
            }
            assert_eq!(super::mask(key, "MARK"), "***");
            assert_eq!(
                super::mask(key, &format!("{own}://[::1]:80/a")),
                format!("{own}://[::1]:80/a")
            );
        }
        assert_eq!(super::mask("redis_url", "sqlite:MARK"), "***");
    }

    #[test]
    fn short_and_well_known_keys_are_weak() {
        assert!(weakness("short").is_some());
        assert!(weakness("change-me-change-me-change-me-change-me").is_some());
        assert!(weakness(&"a".repeat(64)).is_some());
        assert!(weakness("yCkT1gX0q8LZpN5vB2rW7mJ4sD9fH6aE").is_none());
    }
}
