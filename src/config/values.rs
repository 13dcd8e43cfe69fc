//! The types of single settings: addresses, database URLs, names of modes, networks. Each is parsed from text; its
//! error says which values are valid, and follows the words "must be". Does not know which setting a value belongs to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{file, secret, urls};
use crate::domain::account;

/// How many threads hash passwords: as many as are wanted, also if that is more than there are CPUs; if none is, one fewer
/// than CPUs, so that one is left to the sockets. A single CPU has one such thread all the same: it has the lowest priority,
/// so the sockets come first there too.
pub(super) fn hashing_threads(wanted: usize, cpus: usize) -> usize {
    match wanted {
        0 => cpus.saturating_sub(1).max(1),
        some => some,
    }
}

/// Where to listen: a host name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    host: String,
    port: u16,
}

impl Listen {
    /// Host and port as `TcpListener::bind` takes them: an IPv6 address has no brackets, and port 0 asks for a free
    /// port.
    pub fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Whether only processes of this machine reach it. Another name than `localhost` may be anything.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// The address at which a process on this machine reaches the node.
    #[must_use]
    pub fn as_seen_from_here(&self) -> Self {
        let host = match self.host.parse() {
            Ok(IpAddr::V4(address)) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
            Ok(IpAddr::V6(address)) if address.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
            _ => self.host.clone(),
        };
        Self {
            host,
            port: self.port,
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: 8080,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || {
            "an address and a port, like 127.0.0.1:8080, localhost:8080, [::1]:8080 or 0.0.0.0:8080"
                .to_owned()
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
        let port = port.parse().map_err(|_| expected())?;
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => inner.parse::<Ipv6Addr>().map_err(|_| expected())?.to_string(),
            None if is_host_name(host) => host.to_owned(),
            None => return Err(expected()),
        };
        Ok(Self { host, port })
    }
}

/// Whether a text is a valid host name or IPv4 address.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let all_numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.len() <= 253 && text.split('.').all(is_label) && (!all_numeric || text.parse::<Ipv4Addr>().is_ok())
}

/// The kind of database, and its place.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// The embedded database in one file.
    Sqlite {
        /// The file; relative to the working directory.
        path: PathBuf,
    },
    /// A PostgreSQL server.
    Postgres {
        /// The whole URL, which may hold a password.
        url: SecretString,
    },
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || {
            "sqlite:PATH (a file, without parameters) or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()
        };
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains(":memory:") || path.contains('?') || path.ends_with('/') {
                return Err(expected());
            }
            urls::check_characters(path).map_err(|reason| format!("{}: {reason}", expected()))?;
            return Ok(Self::Sqlite {
                path: PathBuf::from(path),
            });
        }
        let place = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"));
        match place {
            Some(place) if !place.is_empty() => {
                urls::check_postgres(text).map_err(|reason| format!("{}: {reason}", expected()))?;
                Ok(Self::Postgres {
                    url: SecretString::from(text),
                })
            }
            _ => Err(expected()),
        }
    }
}

/// With the password masked.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(out, "sqlite:{}", path.display()),
            Self::Postgres { url } => out.write_str(&secret::mask("database_url", url.expose_secret())),
        }
    }
}

/// How strict the node is about its settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Starts without any preparation.
    #[default]
    Development,
    /// Refuses settings that are unsafe in public.
    Production,
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("development or production".to_owned()),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("pretty or json".to_owned()),
        }
    }
}

/// Parses a level and its exceptions, `info,taskwire::engine=debug`.
pub(super) fn log_level(text: &str) -> Result<Targets, String> {
    let expected = || {
        "off, error, warn, info, debug or trace, with optional exceptions like taskwire::engine=debug"
            .to_owned()
    };
    // The crate's own parser would take a misspelt level for the name of a module.
    let level = |text: &str| {
        if text.is_empty() {
            Err(expected())
        } else {
            LevelFilter::from_str(text).map_err(|_| expected())
        }
    };
    text.split(',')
        .map(str::trim)
        .try_fold(Targets::new(), |targets, part| match part.split_once('=') {
            Some((module, _)) if module.trim().is_empty() => Err(expected()),
            Some((module, text)) => Ok(targets.with_target(module.trim(), level(text.trim())?)),
            None => Ok(targets.with_default(level(part)?)),
        })
}

/// The bits before the IPv4 address in an IPv4-mapped IPv6 address, `::ffff:10.0.0.1`.
const MAPPED: u8 = 96;

/// An address or a network of addresses, `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address is in this network. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || "an address or a network, like 10.0.0.0/8 or ::1".to_owned();
        let (address, bits) = text
            .split_once('/')
            .map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.map_or(Ok(most), str::parse).map_err(|_| expected())?;
        if bits > most {
            return Err(expected());
        }
        // addresses are compared as IPv4 wherever they can be
        let written_as_ipv6 = if address.to_canonical() == address {
            0
        } else {
            MAPPED
        };
        match bits.checked_sub(written_as_ipv6) {
            Some(bits) => Ok(Self {
                address: address.to_canonical(),
                bits,
            }),
            None => Err(format!(
                "{}; an IPv4 network written as IPv6 needs at least /{MAPPED}",
                expected()
            )),
        }
    }
}

/// A node's name: at most 64 characters, none of which needs quotes in logs, metrics and Redis channels.
pub(super) fn instance_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.len() <= 64 && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("at most 64 characters of A-Z a-z 0-9 . _ -".to_owned())
    }
}

/// The URL of a Redis server.
pub(super) fn redis_url(text: &str) -> Result<SecretString, String> {
    let expected =
        "redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss://… for TLS, or redis+unix:///PATH?db=DATABASE";
    let url = url_with(text, &["redis", "rediss", "redis+unix"], expected)?;
    match urls::check_redis(text) {
        Ok(()) => Ok(url),
        Err(reason) => Err(format!("{expected}: {reason}")),
    }
}

/// The URL of a server that takes mail.
pub(super) fn smtp_url(text: &str) -> Result<SecretString, String> {
    let expected = "smtp://USER:PASSWORD@HOST:PORT or smtps://…";
    let url = url_with(text, &["smtp", "smtps"], expected)?;
    match urls::check_smtp(text) {
        Ok(()) => Ok(url),
        Err(reason) => Err(format!("{expected}: {reason}")),
    }
}

/// A file of certificates, which must be there when the node starts.
pub(super) fn certificates(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match file::read(&path) {
        Ok(read) if read.contains("-----BEGIN CERTIFICATE-----") => Ok(path),
        Ok(_) => Err("a file of certificates in PEM format".to_owned()),
        Err(unread) => Err(format!(
            "a file of certificates in PEM format: {}",
            unread.reason()
        )),
    }
}

/// The prefix of Redis channel names: a name as in [`instance_name`], not empty.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    match instance_name(text) {
        Ok(name) if !name.is_empty() => Ok(name),
        _ => Err("1 to 64 characters of A-Z a-z 0-9 . _ -".to_owned()),
    }
}

/// A folder's path.
pub(super) fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("a folder's path".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

/// A URL with one of `schemes`, kept whole as a secret.
pub(super) fn url_with(text: &str, schemes: &[&str], expected: &str) -> Result<SecretString, String> {
    match text.split_once("://") {
        Some((scheme, place)) if schemes.contains(&scheme) && !place.is_empty() => {
            urls::check_characters(text).map_err(|reason| format!("{expected}: {reason}"))?;
            Ok(SecretString::from(text))
        }
        _ => Err(expected.to_owned()),
    }
}

/// An account's e-mail address, under the rules of sign-up.
pub(super) fn account_email(text: &str) -> Result<String, String> {
    account::email(text).map_err(|_| "an e-mail address, like ada@example.com".to_owned())
}

/// `ada@example.com`, checked loosely: only a delivered mail shows whether an address works.
fn email(text: &str) -> Result<String, String> {
    let odd = |letter: char| letter.is_control() || letter.is_whitespace() || "<>,;\"".contains(letter);
    match text.rsplit_once('@') {
        Some((local, host)) if !local.is_empty() && is_host_name(host) && !local.contains(odd) => {
            Ok(text.to_owned())
        }
        _ => Err("an e-mail address, like ada@example.com".to_owned()),
    }
}

/// `ada@example.com` or `Ada <ada@example.com>`.
pub(super) fn mailbox(text: &str) -> Result<String, String> {
    let address = text
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
        .map_or(text, |(_, address)| address);
    match email(address) {
        Ok(_) if !text.contains(char::is_control) => Ok(text.to_owned()),
        _ => Err("a sender, like Taskwire <tasks@example.com>".to_owned()),
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
