//! What a request's headers say about its sender: the page's origin, the token. `forwarded` has the address behind
//! proxies, `strangers` the log lines about pages that were refused. Does not send answers.

mod forwarded;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod strangers;

use std::net::SocketAddr;

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, USER_AGENT};
use axum::http::{HeaderMap, Uri};

use crate::config::{self, Environment, Settings};
use crate::engine;

pub use forwarded::address;
pub use strangers::Strangers;

/// The most characters of `User-Agent` that are stored.
const CLIENT: usize = 100;

/// The address of the connection's other end. It is in the extensions of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The origin of a sign-in, for the list of sessions.
pub fn origin(peer: Peer, headers: &HeaderMap, settings: &Settings) -> engine::Origin {
    let client = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    engine::Origin {
        address: Some(address(peer, headers, settings)),
        client: client.map(|client| client.chars().take(CLIENT).collect::<String>().into()),
    }
}

/// Whether the page that sends a request is allowed to. Allowed are a request without a page (no `Origin`), and pages
/// of this node, of `public_url` and of `allowed_origins`, in development also pages of the visitor's own machine. `null`
/// (a sandboxed page, a file) is never allowed.
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
        schemes(settings)
            .iter()
            .any(|scheme| format!("{scheme}://{host}").parse().as_ref() == Ok(&origin))
    });
    own || settings.lets_in(&origin)
}

/// The schemes of the node's own pages. Behind a proxy that ends TLS the page is https and the request is not. In production
/// it is known which: who can change what plain HTTP carries must not be taken for a page of the node.
fn schemes(settings: &Settings) -> &'static [&'static str] {
    let https = settings.public_url.as_ref().map(|url| url.scheme() == "https");
    match (settings.environment, https) {
        (Environment::Production, Some(true)) => &["https"],
        (Environment::Production, Some(false)) => &["http"],
        _ => &["http", "https"],
    }
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
    fn pages_of_this_node_and_of_allowed_origins_are_allowed() {
        let settings = settings(&[
            ("allowed_origins", "https://app.example.com"),
            ("public_url", "https://tasks.example.com"),
            ("environment", "production"),
            ("jwt_secret", "a secret of at least thirty-two bytes"),
        ]);
        let to = |host: &'static str, origin: &'static str| {
            may_come_from(
                &headers(&[("host", host), ("origin", origin)]),
                &Uri::default(),
                &settings,
            )
        };
        let may = |origin| to("127.0.0.1:8080", origin);
        assert!(to("tasks.lan.:8080", "https://tasks.lan:8080"), "a final dot");
        assert!(may("https://127.0.0.1:8080"));
        assert!(may("https://app.example.com") && may("https://tasks.example.com"));
        for stranger in [
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8081",
            "http://localhost:8080",
            "http://tasks.example.com",
            "http://app.example.com",
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
    fn in_development_pages_of_the_own_machine_are_allowed() {
        let settings = settings(&[]);
        let may = |origin: &'static str| {
            let headers = headers(&[("host", "127.0.0.1:8080"), ("origin", origin)]);
            may_come_from(&headers, &Uri::default(), &settings)
        };
        for own in [
            "http://localhost:5173",
            "https://localhost",
            "http://LOCALHOST:1",
            "http://board.localhost:3000",
            "http://127.0.0.1:3000",
            "http://127.9.8.7",
            "http://[::1]:3000",
            "http://[::ffff:127.0.0.1]:3000",
            "tauri://localhost",
        ] {
            assert!(may(own), "{own} was refused");
        }
        for stranger in [
            "null",
            "http://localhost.example.com",
            "http://notlocalhost",
            "http://127.0.0.1.example.com",
            "http://128.0.0.1",
            "http://192.168.1.7:5173",
            "http://[::2]",
        ] {
            assert!(!may(stranger), "{stranger} was allowed");
        }
    }

    #[test]
    fn a_bearer_token_is_distinguished_from_other_authorization() {
        assert_eq!(bearer(&headers(&[("authorization", "bearer abc")])), Some("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(bearer(&headers(&[("authorization", "abc")])), Some(""));
        assert_eq!(bearer(&headers(&[])), None);
    }
}
