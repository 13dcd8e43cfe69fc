//! `GET /`: a page that introduces the node and shows the first commands. It loads nothing; the content security policy
//! allows its style sheet by hash.

use std::sync::OnceLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page.html");

/// `GET /`
pub(super) async fn front() -> impl IntoResponse {
    static POLICY: OnceLock<String> = OnceLock::new();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY.get_or_init(policy).as_str()),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, PAGE).into_response()
}

fn policy() -> String {
    let style = hash_of(PAGE, "style");
    format!(
        "default-src 'none'; style-src {style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_its_style_is_allowed() {
        assert!(policy().contains("style-src 'sha256-") && PAGE.contains("<style>"));
        for outside in ["<script", "src=", "url(", "@import", "style=\""] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}
