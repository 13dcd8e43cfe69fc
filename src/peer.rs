//! What a request's headers say about its sender: the address behind proxies, the page's origin, the token. Does not
//! send answers.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, USER_AGENT};
use axum::http::{HeaderMap, Uri};

use crate::config::{self, Settings};
use crate::engine;

/// The most characters of `User-Agent` that are stored.
const CLIENT: usize = 100;

/// The address of the connection's other end. It is in the extensions of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The address that sent a request: the connection's, or the one that trusted proxies report.
///
/// Each proxy appends an address to `X-Forwarded-For`, so the header is read from its end, up to the first address that
/// is not a trusted proxy. That one may have written everything before it.
pub fn address(peer: Peer, headers: &HeaderMap, settings: &Settings) -> IpAddr {
    let trusted = |address: IpAddr| {
        settings
            .trusted_proxies
            .iter()
            .any(|proxies| proxies.contains(address))
    };
    let mut address = peer.0.ip().to_canonical();
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    for line in lines.into_iter().rev() {
        for hop in line.to_str().unwrap_or("").rsplit(',') {
            if !trusted(address) {
                return address;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(before) => address = before.to_canonical(),
                Err(_) => return address,
            }
        }
    }
    address
}

/// The origin of a sign-in, for the list of sessions.
pub fn origin(peer: Peer, headers: &HeaderMap, settings: &Settings) -> engine::Origin {
    let client = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    engine::Origin {
        address: Some(address(peer, headers, settings)),
        client: client.map(|client| client.chars().take(CLIENT).collect::<String>().into()),
    }
}

/// Whether the page that sends a request is allowed to. Allowed are a request without a page (no `Origin`), and pages
/// of this node, of `public_url` and of `allowed_origins`. `null` (a sandboxed page, a file) is never allowed.
pub fn may_come_from(headers: &HeaderMap, uri: &Uri, settings: &Settings) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let (Ok(text), None) = (origin.to_str(), origins.next()) else {
        return false;
    };
    let Ok(origin) = text.parse::<config::Origin>() else {
        return false;
    };
    let own = host(headers, uri).is_some_and(|host| {
        // behind a proxy that ends TLS the page is https and the request is not
        ["http", "https"]
            .iter()
            .any(|scheme| format!("{scheme}://{host}").parse().as_ref() == Ok(&origin))
    });
    own || settings
        .public_url
        .as_ref()
        .is_some_and(|url| *url.origin() == origin)
        || settings.allowed_origins.allows(text)
}

/// The host that the request names, with its port.
pub fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(HOST)?.to_str().ok(),
    }
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1). `None` without that header or with another scheme (a
/// proxy's `Basic`), `Some("")` if the header cannot be read.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().unwrap_or("");
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        Some(_) => None,
        None => Some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_address_is_read_through_trusted_proxies_only() {
        let settings = settings(&[("trusted_proxies", "10.0.0.0/8")]);
        let from = |peer: &str, chain: &'static str| {
            let peer = Peer(SocketAddr::new(peer.parse().expect("an address"), 1));
            address(peer, &headers(&[("x-forwarded-for", chain)]), &settings).to_string()
        };
        assert_eq!(
            from("192.0.2.1", "198.51.100.7"),
            "192.0.2.1",
            "the header of an untrusted peer is ignored"
        );
        assert_eq!(from("10.0.0.1", "198.51.100.7"), "198.51.100.7");
        assert_eq!(
            from("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2"),
            "198.51.100.7"
        );
        assert_eq!(from("10.0.0.1", "nonsense"), "10.0.0.1");
    }

    #[test]
    fn pages_of_this_node_and_of_allowed_origins_are_allowed() {
        let settings = settings(&[
            ("allowed_origins", "https://app.example.com"),
            ("public_url", "https://tasks.example.com"),
        ]);
        let may = |origin: &'static str| {
            may_come_from(
                &headers(&[("host", "127.0.0.1:8080"), ("origin", origin)]),
                &Uri::default(),
                &settings,
            )
        };
        assert!(may("http://127.0.0.1:8080") && may("https://127.0.0.1:8080"));
        assert!(may("https://app.example.com") && may("https://tasks.example.com"));
        for stranger in [
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:8081",
            "https://example.com",
            "",
        ] {
            assert!(!may(stranger), "{stranger} was allowed");
        }
        assert!(may_come_from(
            &headers(&[("host", "a")]),
            &Uri::default(),
            &settings
        ));
    }

    #[test]
    fn a_bearer_token_is_distinguished_from_other_authorization() {
        assert_eq!(bearer(&headers(&[("authorization", "bearer abc")])), Some("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(bearer(&headers(&[("authorization", "abc")])), Some(""));
        assert_eq!(bearer(&headers(&[])), None);
    }
}
