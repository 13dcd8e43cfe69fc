//! `/v1/unsubscribe`: the link in reminders by mail. `GET` shows a page with a button and changes nothing, because programs
//! that check mails open their links. `POST` ends the mails: the button sends it, and so do mail programs with a button of
//! their own (RFC 8058), which know nobody's session. The page loads nothing and runs no script. Does not know how a token
//! is checked.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use super::page::hash_of;
use crate::reply::Refusal;
use crate::state::App;

const FRAME: &str = include_str!("unsubscribe.html");

static ASK: LazyLock<String> = LazyLock::new(|| {
    filled(
        "<p>Do you want no more mails about your tasks? You still see what is due when you are connected.</p>\n\
         <form method=\"post\"><button>Send me no more mails</button></form>",
    )
});

static DONE: LazyLock<String> = LazyLock::new(|| {
    filled(
        "<p role=\"status\">You get no more mails about your tasks. Your preferences can turn them on again.</p>",
    )
});

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = hash_of(FRAME, "style");
    format!(
        "default-src 'none'; style-src {style}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
});

/// Adds the path.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router.route("/v1/unsubscribe", get(async || page(&ASK)).post(end))
}

/// `POST /v1/unsubscribe?token=…`
async fn end(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<impl IntoResponse, Refusal> {
    let query = query.unwrap_or_default();
    let token = query.split('&').find_map(|part| part.strip_prefix("token="));
    app.engine.end_mails(token.unwrap_or_default()).await?;
    Ok(page(&DONE))
}

fn page(text: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, text)
}

fn filled(content: &str) -> String {
    FRAME.replace("{content}", content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_load_nothing_and_their_style_is_allowed() {
        for page in [&*ASK, &*DONE] {
            assert!(POLICY.contains(&hash_of(page, "style")));
            for outside in [
                "<script",
                "src=",
                "url(",
                "@import",
                "style=\"",
                "onclick",
                "{content}",
            ] {
                assert!(!page.contains(outside), "{outside}");
            }
        }
    }
}
