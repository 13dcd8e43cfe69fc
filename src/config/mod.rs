//! The settings of a node: which there are, their types, and the rules between them. `config.default.toml` is
//! their manual and their default. Loading reads files and the environment and changes nothing; what a setting
//! does is known to its user alone.

mod error;
mod flags;
mod layers;
mod read;
mod rules;
mod secret;
mod show;
mod values;
mod web;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tracing_subscriber::filter::Targets;

pub use error::{Problem, SettingsError};
pub use flags::Flags;
pub use layers::DEFAULT;
pub use secret::{JWT_SECRET_BYTES, JwtKeys};
pub use show::Effective;
pub use values::{DatabaseUrl, Environment, Listen, LogFormat, Network};
pub use web::{AllowedHost, AllowedOrigins, Origin, PublicUrl};

use layers::{Layers, Sources};
use read::Reader;

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

/// Every setting, typed and checked. A field is named like its setting, durations without the unit; the manual
/// (`config.default.toml`) says what each does.
#[derive(Clone, Debug)]
#[allow(
    missing_docs,
    reason = "the manual of settings is config.default.toml, and has a sentence for each"
)]
pub struct Settings {
    pub listen: Listen,
    pub data_dir: PathBuf,
    pub environment: Environment,
    /// Never empty: a random name was made when none is set.
    pub instance: String,
    pub drain: Duration,
    pub drain_delay: Duration,

    pub database_url: DatabaseUrl,
    pub database_connections: u32,
    pub database_lanes: usize,
    /// `None`: what the disk holds.
    pub database_max_bytes: Option<u64>,
    pub query_timeout: Duration,
    pub redis_url: Option<SecretString>,
    pub redis_prefix: String,

    pub public_url: Option<PublicUrl>,
    pub allowed_origins: AllowedOrigins,
    /// Empty: any.
    pub allowed_hosts: Vec<AllowedHost>,
    pub trusted_proxies: Vec<Network>,

    /// As set; [`Settings::jwt_keys`] gives the keys to use.
    pub jwt_secret: Option<SecretString>,
    pub jwt_secret_previous: Option<SecretString>,
    pub access_token: Duration,
    pub refresh_token: Duration,
    pub require_verified_email: bool,
    /// Never 0: the number of CPUs when it is set to 0.
    pub password_hash_concurrency: usize,
    pub admin_email: Option<String>,
    pub admin_password: Option<SecretString>,

    pub smtp_url: Option<SecretString>,
    pub mail_from: Option<String>,

    pub rate_limit_enabled: bool,
    pub rate_limit_requests: u32,
    pub rate_limit_window: Duration,
    pub ops_per_second: u32,
    pub ops_burst: u32,
    pub sockets_per_user: usize,
    /// `None`: what the system's limit of open files leaves room for.
    pub max_sockets: Option<usize>,
    pub sockets_admitted_per_second: u32,
    pub sockets_admitted_burst: u32,
    pub frame_bytes: usize,
    pub in_flight: usize,
    pub batch_ops: usize,
    pub streams_per_socket: usize,

    pub heartbeat: Duration,
    pub handshake_timeout: Duration,
    pub auth_timeout: Duration,
    pub auth_grace: Duration,
    /// `None`: for ever.
    pub socket_max_age: Option<Duration>,
    pub socket_queue_bytes: usize,

    /// `None`: for ever.
    pub log_retention: Option<Duration>,
    pub log_retention_events: u64,
    pub op_retention: Duration,
    pub ring_bytes_per_topic: usize,
    pub ring_budget_bytes: usize,
    pub lease: Duration,
    pub job_concurrency: usize,

    pub log_format: LogFormat,
    pub log_level: Targets,
    pub metrics_enabled: bool,
}

impl Settings {
    /// Settings from all sources: the defaults, `--config`, `.env` in the working directory, the process's
    /// environment, flags; and how to show them.
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

    fn read(from: &mut Reader) -> Self {
        let data_dir = from.required("data_dir", values::folder);
        Self {
            listen: from.required("listen", str::parse),
            environment: from.required("environment", str::parse),
            instance: from
                .parsed("instance", values::instance_name)
                .unwrap_or_else(random_name),
            drain: from.duration("drain_seconds", 1, 0..=3600),
            drain_delay: from.duration("drain_delay_seconds", 1, 0..=3600),

            database_url: from
                .parsed("database_url", str::parse)
                .unwrap_or_else(|| DatabaseUrl::Sqlite {
                    path: data_dir.join("taskwire.db"),
                }),
            database_connections: from.whole("database_connections", 1..=1000),
            database_lanes: from.whole("database_lanes", 1..=16),
            database_max_bytes: Some(from.whole("database_max_bytes", 0..=1 << 50))
                .filter(|bytes| *bytes > 0),
            redis_url: from.parsed("redis_url", values::redis_url),
            redis_prefix: from.required("redis_prefix", values::prefix),
            query_timeout: from.duration("query_timeout_seconds", 1, 1..=25),

            public_url: from.parsed("public_url", str::parse),
            allowed_origins: AllowedOrigins::collect(from.list("allowed_origins", str::parse)),
            allowed_hosts: from.list("allowed_hosts", str::parse),
            trusted_proxies: from.list("trusted_proxies", str::parse),

            jwt_secret: from.secret("jwt_secret"),
            jwt_secret_previous: from.secret("jwt_secret_previous"),
            access_token: from.duration("access_token_minutes", MINUTE, 1..=1440),
            refresh_token: from.duration("refresh_token_days", DAY, 1..=365),
            require_verified_email: from.truth("require_verified_email"),
            password_hash_concurrency: match from.whole("password_hash_concurrency", 0..=1024) {
                0 => std::thread::available_parallelism().map_or(1, usize::from),
                some => some,
            },
            admin_email: from.parsed("admin_email", values::account_email),
            admin_password: from.secret("admin_password"),

            smtp_url: from.parsed("smtp_url", |text| {
                values::url_with(text, &["smtp", "smtps"], "smtp://… or smtps://…")
            }),
            mail_from: from.parsed("mail_from", values::mailbox),

            rate_limit_enabled: from.truth("rate_limit_enabled"),
            rate_limit_requests: from.whole("rate_limit_requests", 1..=1_000_000),
            rate_limit_window: from.duration("rate_limit_window_seconds", 1, 1..=DAY),
            ops_per_second: from.whole("ops_per_second", 1..=1_000_000),
            ops_burst: from.whole("ops_burst", 1..=1_000_000),
            sockets_per_user: from.whole("sockets_per_user", 1..=100_000),
            max_sockets: Some(from.whole("max_sockets", 0..=10_000_000)).filter(|most| *most > 0),
            sockets_admitted_per_second: from.whole("sockets_admitted_per_second", 1..=1_000_000),
            sockets_admitted_burst: from.whole("sockets_admitted_burst", 1..=10_000_000),
            frame_bytes: from.whole("frame_bytes", 1024..=1 << 24),
            in_flight: from.whole("in_flight", 1..=10_000),
            batch_ops: from.whole("batch_ops", 1..=1000),
            streams_per_socket: from.whole("streams_per_socket", 1..=10_000),

            heartbeat: from.duration("heartbeat_seconds", 1, 1..=3600),
            handshake_timeout: from.duration("handshake_timeout_seconds", 1, 1..=300),
            auth_timeout: from.duration("auth_timeout_seconds", 1, 1..=300),
            auth_grace: from.duration("auth_grace_seconds", 1, 0..=3600),
            socket_max_age: Some(from.duration("socket_max_age_minutes", MINUTE, 0..=10_080))
                .filter(|age| !age.is_zero()),
            socket_queue_bytes: from.whole("socket_queue_bytes", 1 << 14..=1 << 26),

            log_retention: Some(from.duration("log_retention_days", DAY, 0..=36_500))
                .filter(|kept| !kept.is_zero()),
            log_retention_events: from.whole("log_retention_events", 0..=1_000_000_000),
            op_retention: from.duration("op_retention_days", DAY, 7..=3650),
            ring_bytes_per_topic: from.whole("ring_bytes_per_topic", 4096..=1 << 30),
            ring_budget_bytes: from.whole("ring_budget_bytes", 4096..=1 << 40),
            lease: from.duration("lease_seconds", 1, 1..=3600),
            job_concurrency: from.whole("job_concurrency", 1..=64),

            log_format: from.required("log_format", str::parse),
            log_level: from.required("log_level", values::log_level),
            metrics_enabled: from.truth("metrics_enabled"),
            data_dir,
        }
    }

    /// Makes `data_dir`, for this user alone, when it is missing.
    pub fn create_data_dir(&self) -> io::Result<()> {
        secret::create_private_folder(&self.data_dir)
    }

    /// The keys of access tokens: those set, or else (in development) one that is generated at first use and
    /// kept in `data_dir/jwt_secret`. The only part of the settings that writes to the disk.
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
}

fn random_name() -> String {
    format!("node-{:08x}", rand::random::<u32>())
}

#[cfg(test)]
mod tests;
