//! Small pages that load nothing: the content security policy of each allows its style sheet and script by hash. Does not
//! know what is on them.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Serves a page that has a script and loads nothing, under a policy of [`policy_with_script`].
pub(super) fn scripted(text: &'static str, policy: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, text)
}

/// The content security policy of a page that loads nothing: it allows the page's style sheet and script by hash, and
/// requests to this node.
pub(super) fn policy_with_script(page: &str) -> String {
    let (style, script) = (hash_of(page, "style"), hash_of(page, "script"));
    format!(
        "default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}

/// The source expression that allows the page's only element of this name.
pub(super) fn hash_of(page: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let inside = page
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close))
        .map_or("", |(inside, _)| inside);
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(inside)))
}
