//! For fuzzers: what is read of the sender in a request's head.

use std::net::{Ipv4Addr, SocketAddr};

use axum::http::{HeaderMap, Uri};

use super::{Peer, address, bearer, may_come_from, origin};
use crate::config::Settings;

/// In production, a page that may send requests has the scheme and the host of the node's own address.
pub(crate) fn head(headers: &HeaderMap) {
    let secret = "a secret that is long enough for a production node, 64 bytes of it";
    let settings = Settings::from_pairs(&[
        ("environment", "production"),
        ("jwt_secret", secret),
        ("public_url", "https://tasks.example.com"),
        ("trusted_proxies", "127.0.0.0/8"),
    ]);
    let settings = settings.unwrap_or_else(|error| panic!("{error}"));
    let peer = Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    let _ = (
        address(peer, headers, &settings),
        origin(peer, headers, &settings),
        bearer(headers),
    );
    if headers.contains_key("origin") && may_come_from(headers, &Uri::from_static("/v1/rpc"), &settings) {
        let origin = headers.get("origin").and_then(|origin| origin.to_str().ok());
        let own = headers.get("host").and_then(|host| host.to_str().ok());
        let origin = origin.unwrap_or_default().to_ascii_lowercase();
        let is_own = own.is_some_and(|host| origin.contains(&host.to_ascii_lowercase()));
        assert!(
            origin.starts_with("https://") && (is_own || origin.contains("tasks.example.com")),
            "{headers:?}"
        );
    }
}
