//! `/v1/auth/device…`, by which a program signs in without seeing a password, and `GET /device`, the page on which its
//! person approves. The page loads nothing; the content security policy allows its style sheet and script by hash. Does
//! not know how codes are made or checked.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use taskwire_protocol::account::{DevicePending, Pending};
use tokio::time::Instant;

use super::accounts::{answer, sender};
use super::body::{self, Read};
use super::caller;
use super::outer::RequestId;
use super::page::{policy_with_script, scripted};
use crate::engine::{self, ByDevice, Delivery, Reply};
use crate::peer::Peer;
use crate::reply::Refusal;
use crate::state::App;

const PAGE: &str = include_str!("device.html");

static POLICY: LazyLock<String> = LazyLock::new(|| policy_with_script(PAGE));

type From = (Extension<Peer>, Extension<RequestId>, HeaderMap);

/// Adds the paths and the page.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/device", get(async || scripted(PAGE, &POLICY)))
        .route("/v1/auth/device", post(start))
        .route("/v1/auth/device/approve", post(approve))
        .route("/v1/auth/device/token", post(redeem))
}

/// `POST /v1/auth/device`
async fn start(State(app): State<Arc<App>>, from: From, body: Read) -> Result<Response, Refusal> {
    let request = ByDevice::Start(body::parameters(&from.2, body)?);
    let reply = carry_out(&app, from, request, None).await?;
    answer(&app, StatusCode::OK, reply)
}

/// `POST /v1/auth/device/approve`
async fn approve(State(app): State<Arc<App>>, from: From, body: Read) -> Result<Response, Refusal> {
    let request = ByDevice::Approve(body::parameters(&from.2, body)?);
    let caller = caller::required(&app, &from.2).await?;
    let reply = carry_out(&app, from, request, Some(caller)).await?;
    answer(&app, StatusCode::OK, reply)
}

/// `POST /v1/auth/device/token`: 202 while nobody has decided.
async fn redeem(State(app): State<Arc<App>>, from: From, body: Read) -> Result<Response, Refusal> {
    let request = ByDevice::Redeem(body::parameters(&from.2, body)?);
    let reply = carry_out(&app, from, request, None).await?;
    if reply.body == engine::Body::Data("null".into()) {
        let status = Pending::Pending;
        let pending = serde_json::to_string(&DevicePending { status }).unwrap_or_default();
        return answer(&app, StatusCode::ACCEPTED, Reply::data(pending));
    }
    answer(&app, StatusCode::OK, reply)
}

/// Programs keep their refresh token themselves, so it is in the body.
async fn carry_out(
    app: &App,
    (Extension(peer), Extension(id), headers): From,
    request: ByDevice,
    caller: Option<Arc<engine::Caller>>,
) -> Result<Reply, Refusal> {
    let since = Instant::now();
    let sender = sender(app, (peer, id), &headers, caller, Delivery::Body);
    Ok(app.engine.by_device(request, sender, since).await?)
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
