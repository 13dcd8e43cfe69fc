//! The settings of a node: where they come from, their types, and the rules between them. `config.default.toml` is
//! their manual and has their defaults. Loading reads files and the environment, and changes nothing. Does not know
//! what a setting does: the code that uses it knows.
//!
//! - `settings`   the table of settings
//! - `layers`     merges the sources; `flags` has those of the command line, `dotenv` those of a `.env` file
//! - `file`       reads a file, whatever is at its path; `foreign` recognizes variables of others with our prefix
//! - `read`, `values`, `web`, `secret`   convert a value to its type; `urls` checks those of the database and Redis
//! - `first_admin`  the file with the link that makes the first administrator
//! - `files_url`  the address of a bucket
//! - `rules`      the rules between settings, and what production refuses
//! - `error`, `show`   report what is wrong, and which values are in force

mod dotenv;
mod error;
mod file;
mod files_url;
mod first_admin;
mod flags;
mod foreign;
mod layers;
mod read;
mod rules;
mod secret;
mod settings;
mod show;
mod urls;
mod values;
mod web;

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

pub use error::{Problem, SettingsError};
pub use files_url::FilesUrl;
pub use flags::Flags;
pub use layers::DEFAULT;
pub use secret::{JWT_SECRET_BYTES, JwtKeys, make_private};
pub use settings::Settings;
pub use show::Effective;
pub use values::{DatabaseUrl, Environment, Listen, LogFormat, Network};
pub use web::{AllowedHost, AllowedOrigins, Origin, PublicUrl};

use layers::{Layers, Sources};
use read::Reader;

impl Settings {
    /// Settings from all sources: the defaults, `--config`, `.env` in the working directory, the process's
    /// environment, flags. Also returns them in printable form.
    pub fn load(flags: Flags) -> Result<(Self, Effective), SettingsError> {
        let environment = std::env::vars_os().collect();
        Self::from_sources(&Sources {
            flags,
            environment,
            dotenv: Some(PathBuf::from(".env")),
        })
    }

    /// Settings from the defaults and the given pairs alone, whatever the environment says: for tests and for
    /// programs that embed a node.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Result<Self, SettingsError> {
        let set = pairs.iter().map(|(key, text)| format!("{key}={text}")).collect();
        let sources = Sources {
            flags: Flags {
                set,
                ..Flags::default()
            },
            ..Sources::default()
        };
        Self::from_sources(&sources).map(|(settings, _)| settings)
    }

    fn from_sources(sources: &Sources) -> Result<(Self, Effective), SettingsError> {
        let layers = Layers::merge(sources);
        let mut reader = Reader::new(&layers);
        let settings = Self::read(&mut reader);
        rules::check(&settings, &mut reader);
        let mut problems = reader.problems;
        if problems.is_empty() {
            return Ok((settings, Effective::of(&layers)));
        }
        problems.sort_by(|one, other| (&one.setting, &one.message).cmp(&(&other.setting, &other.message)));
        problems.dedup();
        Err(SettingsError { problems })
    }

    /// Whether pages of an origin that is not this node's own may connect: of `public_url`, of an allowed origin, or in
    /// development of the visitor's own machine.
    pub fn lets_in(&self, origin: &Origin) -> bool {
        let public = self.public_url.as_ref().map(PublicUrl::origin);
        public == Some(origin)
            || self.allowed_origins.allows(origin)
            || (self.environment == Environment::Development && origin.is_loopback())
    }

    /// The hosts that requests may name; empty: any. In production an empty `allowed_hosts` means that of `public_url`: else
    /// a page of a stranger whose name leads here would count as the node's own.
    pub fn hosts(&self) -> Cow<'_, [AllowedHost]> {
        match &self.public_url {
            Some(url) if self.allowed_hosts.is_empty() && self.environment == Environment::Production => {
                Cow::Owned(vec![url.host()])
            }
            _ => Cow::Borrowed(&self.allowed_hosts),
        }
    }

    /// Creates `data_dir` if it is missing. Only this user can enter it.
    pub fn create_data_dir(&self) -> io::Result<()> {
        secret::create_private_folder(&self.data_dir)
    }

    /// The folder of mails that no server takes, created if it is missing. Only this user can enter it.
    pub fn outbox(&self) -> io::Result<PathBuf> {
        self.create_data_dir()?;
        let folder = self.data_dir.join("outbox");
        secret::create_private_folder(&folder)?;
        Ok(folder)
    }

    /// Creates the folder of files in `data_dir` if it is missing, and returns it. Only this user can enter it.
    pub fn create_files_dir(&self) -> io::Result<PathBuf> {
        let folder = self.data_dir.join("files");
        secret::create_private_folder(&folder)?;
        Ok(folder)
    }

    /// Why `jwt_secret` is too weak where others reach the node; `None` if it is strong, or generated.
    pub fn weak_secret(&self) -> Option<&'static str> {
        let secret = self.jwt_secret.as_ref()?;
        secret::weakness(secret.expose_secret())
    }

    /// The keys that sign and check access tokens. Without `jwt_secret` (in development only) the first use generates a
    /// key and stores it in `data_dir/jwt_secret`.
    pub fn jwt_keys(&self) -> io::Result<JwtKeys> {
        let current = if let Some(secret) = &self.jwt_secret {
            secret.clone()
        } else {
            self.create_data_dir()?;
            secret::kept_key(&self.data_dir.join("jwt_secret"))?
        };
        Ok(JwtKeys {
            current,
            previous: self.jwt_secret_previous.clone(),
        })
    }

    /// The key that signs access tokens, for a program that asks a node with these settings: it makes none. `None`: the node
    /// did not start yet.
    pub fn known_jwt_key(&self) -> io::Result<Option<SecretString>> {
        match &self.jwt_secret {
            Some(secret) => Ok(Some(secret.clone())),
            None => secret::found_key(&self.data_dir.join("jwt_secret")),
        }
    }
}

#[cfg(test)]
mod tests;
