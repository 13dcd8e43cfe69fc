//! `POST /v1/auth/first-admin`, by which a server gets its first administrator, and `GET /first-admin`, the page of the
//! link that a node without one makes at its start. The page loads nothing; the content security policy allows its style
//! sheet and script by hash. Does not know whether a link is right.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use taskwire_protocol::{json, operations};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::accounts::{answer, delivery, sender};
use super::body::{self, Read};
use super::outer::RequestId;
use super::own_page::{check_body, check_page};
use super::page::{policy_with_script, scripted};
use crate::engine::Delivery;
use crate::peer::Peer;
use crate::reply::Refusal;
use crate::state::App;

const PAGE: &str = include_str!("first-admin.html");

static POLICY: LazyLock<String> = LazyLock::new(|| policy_with_script(PAGE));

/// Adds the path and the page.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/first-admin", get(async || scripted(PAGE, &POLICY)))
        .route("/v1/auth/first-admin", post(redeem))
}

/// `POST /v1/auth/first-admin`
async fn redeem(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
    body: Read,
) -> Result<Response, Refusal> {
    let since = Instant::now();
    let mut object = json::object(&body::json(&headers, body)?)?;
    let delivery = delivery(&mut object)?.unwrap_or(Delivery::Cookie);
    if delivery == Delivery::Cookie {
        check_page(&app, &headers, &uri)?;
        check_body(&headers)?;
    }
    let request = operations::body(&serde_json::to_string(&object).unwrap_or_default())?;
    let sender = sender(&app, (peer, id), &headers, None, delivery);
    let reply = app.engine.become_first_admin(request, sender, since).await?;
    let settings = app.settings.clone();
    // nobody waits for it: the link no longer works
    drop(spawn_blocking(move || settings.forget_first_admin_link()));
    answer(&app, StatusCode::CREATED, reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_its_style_and_script_are_allowed() {
        assert_eq!(POLICY.matches("'sha256-").count(), 2);
        for outside in ["src=", "url(", "@import", "style=\"", "onclick", "innerHTML"] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}
