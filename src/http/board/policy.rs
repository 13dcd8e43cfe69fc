//! What the board's page may do, as its content security policy says: load files of this node, talk to this node, and nothing
//! else. Scripts that somebody slips into a text find no way to run: no inline script, no `eval`, and no HTML made of a string.

use axum::http::HeaderValue;

use crate::config::Settings;

/// The only policy of Trusted Types that the page has: it names the script of the service worker. None makes HTML of a string:
/// the page draws descriptions as elements.
const TRUSTED_TYPES: &str = "taskwire";

/// The policy of the page. It goes with its files too: the service worker has that of its own script.
pub(super) fn of(settings: &Settings) -> HeaderValue {
    let sockets = settings.public_url.as_ref().map(|url| {
        // Safari before 15.5 does not count sockets as 'self'
        let origin = url.origin().as_str();
        format!(" ws{}", origin.strip_prefix("http").unwrap_or_default())
    });
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'{}; \
         manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types {TRUSTED_TYPES}",
        sockets.unwrap_or_default()
    );
    // an origin has only characters that a header may have
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_the_public_address_are_named() {
        for (public, expected) in [
            ("", "connect-src 'self';"),
            (
                "http://tasks.example.com:8080/",
                "connect-src 'self' ws://tasks.example.com:8080;",
            ),
            (
                "https://example.com/tasks",
                "connect-src 'self' wss://example.com;",
            ),
        ] {
            let settings = Settings::from_pairs(&[("public_url", public)]).expect("settings");
            let policy = of(&settings);
            let policy = policy.to_str().expect("text");
            assert!(
                policy.contains(expected) && !policy.contains("unsafe"),
                "{policy}"
            );
        }
    }
}
