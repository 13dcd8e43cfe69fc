//! For fuzzers: what is read of the sender in a request's head.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use axum::http::{HeaderMap, Uri};

use super::{Peer, address, bearer, may_come_from, origin};
use crate::config::Settings;

/// Settings of a node in production, behind a proxy: to make them takes longer than to read a head.
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let settings = Settings::from_pairs(&[
        ("environment", "production"),
        (
            "jwt_secret",
            "a secret that is long enough for a production node, 64 bytes of it",
        ),
        ("public_url", "https://tasks.example.com"),
        ("trusted_proxies", "127.0.0.0/8"),
    ]);
    settings.unwrap_or_else(|error| panic!("{error}"))
});

/// In production, a page that may send requests has the scheme and the host of the node's own address.
pub(crate) fn head(headers: &HeaderMap) {
    let peer = Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    let _ = (
        address(peer, headers, &SETTINGS),
        origin(peer, headers, &SETTINGS),
        bearer(headers),
    );
    if headers.contains_key("origin") && may_come_from(headers, &Uri::from_static("/v1/rpc"), &SETTINGS) {
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
