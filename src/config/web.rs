//! The allowed origins and hosts, which are compared with what a browser sends; and the node's public address. Does not
//! read requests.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::values::is_host_name;

/// `scheme://host[:port]` as browsers send it: lower case, without the scheme's own port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// The normalized text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its pages come from the visitor's own machine: `localhost`, a name below it (RFC 6761, section 6.3), or a
    /// loopback address.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.split_once("://").map_or("", |(_, host)| host);
        let Some((host, _)) = host_and_port(host) else {
            return false;
        };
        let address = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        match address {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || "an origin, like https://app.example.com or http://localhost:5173".to_owned();
        let (scheme, host) = text.split_once("://").ok_or_else(expected)?;
        let (scheme, host) = (
            scheme.to_ascii_lowercase(),
            host.strip_suffix('/').unwrap_or(host),
        );
        let is_scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.bytes().all(is_scheme_byte)
        {
            return Err(expected());
        }
        let (host, port) = host_and_port(host).ok_or_else(expected)?;
        let own_port = match scheme.as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        };
        Ok(Self(match port.filter(|_| port != own_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }))
    }
}

/// The origins whose pages may connect, besides the node's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins {
    /// `*`: every origin (refused in production).
    pub any: bool,
    /// The listed origins.
    pub list: Vec<Origin>,
}

impl AllowedOrigins {
    /// Whether an origin is allowed.
    pub fn allows(&self, origin: &Origin) -> bool {
        self.any || self.list.contains(origin)
    }

    pub(super) fn collect(items: Vec<OriginOrAny>) -> Self {
        let mut allowed = Self::default();
        for item in items {
            match item {
                OriginOrAny::Any => allowed.any = true,
                OriginOrAny::Origin(origin) if allowed.list.contains(&origin) => {}
                OriginOrAny::Origin(origin) => allowed.list.push(origin),
            }
        }
        allowed
    }
}

/// An item of `allowed_origins`.
pub(super) enum OriginOrAny {
    Any,
    Origin(Origin),
}

impl FromStr for OriginOrAny {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            Ok(Self::Any)
        } else {
            text.parse().map(Self::Origin)
        }
    }
}

/// An accepted value of the `Host` header. Without a port it matches every port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    host: String,
    port: Option<u16>,
}

impl AllowedHost {
    /// Whether a `Host` header's value matches.
    pub fn matches(&self, header: &str) -> bool {
        host_and_port(header)
            .is_some_and(|(host, port)| host == self.host && (self.port.is_none() || port == self.port))
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(out, "{}:{port}", self.host),
            None => out.write_str(&self.host),
        }
    }
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = host_and_port(text)
            .ok_or("a host name, like tasks.example.com or localhost:8080; an empty list allows any")?;
        Ok(Self { host, port })
    }
}

/// The address at which people reach the node, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    origin: Origin,
}

impl PublicUrl {
    /// The address, to which links add `/path`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path below which a proxy shows this node, which has no slash at its end; empty without one.
    pub fn path(&self) -> &str {
        self.text.strip_prefix(self.origin.as_str()).unwrap_or_default()
    }

    /// The host that requests name who follow it. It matches every port: a proxy may pass the name on without it, and the name
    /// alone keeps pages of other names out.
    pub fn host(&self) -> AllowedHost {
        let host = self.origin.0.split_once("://").map_or("", |(_, host)| host);
        // it was read before, so it can be read again
        let (host, _) = host_and_port(host).unwrap_or_default();
        AllowedHost { host, port: None }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.origin.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// Its origin: pages from there may connect.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || "the node's address, like https://tasks.example.com".to_owned();
        let (scheme, rest) = text.split_once("://").ok_or_else(expected)?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let origin: Origin = format!("{scheme}://{host}").parse().map_err(|_| expected())?;
        let is_web = origin.0.starts_with("http://") || origin.0.starts_with("https://");
        let is_path_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
        if !is_web || !path.bytes().all(is_path_byte) {
            return Err(expected());
        }
        Ok(Self {
            text: format!("{origin}{}", path.trim_end_matches('/')),
            origin,
        })
    }
}

/// Splits and normalizes `host[:port]`; `None` when it is neither a name nor an address. A name may end with a dot, which
/// only says that it is complete (RFC 1034, section 3.1).
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        // In `[::1]` the last colon is the address's own.
        // an empty port is the scheme's own (RFC 3986, section 3.2.3)
        Some((host, "")) => (host, None),
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    let host = match host.strip_suffix('.') {
        Some(complete) if !complete.starts_with('[') => complete,
        _ => host,
    };
    let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => format!("[{}]", inner.parse::<Ipv6Addr>().ok()?),
        None if is_host_name(host) => host.to_ascii_lowercase(),
        None => return None,
    };
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use super::{AllowedHost, AllowedOrigins, Origin, PublicUrl};

    #[test]
    fn origins_are_normalized_as_browsers_send_them() {
        let normal = |text: &str| text.parse::<Origin>().map(|origin| origin.to_string());
        assert_eq!(
            normal("https://App.Example.com:443/").as_deref(),
            Ok("https://app.example.com")
        );
        assert_eq!(
            normal("http://localhost:5173").as_deref(),
            Ok("http://localhost:5173")
        );
        assert_eq!(normal("http://[::1]:8080").as_deref(), Ok("http://[::1]:8080"));
        assert_eq!(normal("tauri://localhost").as_deref(), Ok("tauri://localhost"));
        for bad in [
            "null",
            "app.example.com",
            "https://",
            "https://*.example.com",
            "https://a/b",
            "https://u@a",
            "*",
        ] {
            assert!(normal(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn a_wildcard_allows_every_origin() {
        let any = AllowedOrigins {
            any: true,
            list: Vec::new(),
        };
        let anywhere: Origin = "https://anywhere.example".parse().expect("an origin");
        assert!(any.allows(&anywhere));
        assert!(!AllowedOrigins::default().allows(&anywhere));
    }

    #[test]
    fn a_host_without_a_port_matches_every_port() {
        let host: AllowedHost = "Tasks.example.com".parse().expect("a host");
        assert!(host.matches("tasks.example.com") && host.matches("TASKS.example.com:8443"));
        assert!(!host.matches("example.com") && !host.matches("tasks.example.com:x"));
        let host: AllowedHost = "localhost:8080".parse().expect("a host");
        assert!(
            host.matches("localhost:8080") && !host.matches("localhost") && !host.matches("localhost:81")
        );
        assert!("*".parse::<AllowedHost>().is_err());
        let host: AllowedHost = "tasks.example.com.".parse().expect("a host");
        for dotted in [
            "tasks.example.com.",
            "Tasks.Example.com.:8443",
            "tasks.example.com",
        ] {
            assert!(host.matches(dotted), "{dotted}");
        }
        assert!(!host.matches("tasks.example.com..") && !host.matches("."));
    }

    #[test]
    fn a_public_url_keeps_its_path_and_loses_its_last_slash() {
        let url: PublicUrl = "https://Example.com/tasks/".parse().expect("a url");
        assert_eq!(url.as_str(), "https://example.com/tasks");
        assert_eq!(url.path(), "/tasks");
        assert_eq!(url.origin().as_str(), "https://example.com");
        let url: PublicUrl = "https://tasks.example.com:8443".parse().expect("a url");
        for named in [
            "tasks.example.com",
            "tasks.example.com:8443",
            "tasks.example.com:80",
        ] {
            assert!(url.host().matches(named), "{named}");
        }
        assert!(!url.host().matches("example.com"));
        for bad in [
            "example.com",
            "ftp://example.com",
            "https://example.com/?a=b",
            "https://",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad} was accepted");
        }
    }
}
