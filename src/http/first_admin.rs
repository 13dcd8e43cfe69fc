//! `POST /v1/auth/first-admin`, by which a server gets its first administrator. The board has the page of the link that a node
//! without one makes at its start. Does not know whether a link is right.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use taskwire_protocol::{json, operations};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::accounts::{answer, delivery, sender};
use super::body::{self, Read};
use super::outer::RequestId;
use super::own_page::{check_body, check_page};
use crate::engine::Delivery;
use crate::peer::Peer;
use crate::reply::Refusal;
use crate::state::App;

/// Adds the path.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router.route("/v1/auth/first-admin", post(redeem))
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
