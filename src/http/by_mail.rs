//! `/v1/auth/verify-email`, `/resend-verification`, `/forgot-password`, `/reset-password`: what is proved by the code or
//! link of a mail. Does not know how codes are made or checked.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Router, routing};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::accounts::{answer, sender};
use super::body::{self, Read};
use super::outer::RequestId;
use crate::engine::{ByMail, Delivery};
use crate::peer::Peer;
use crate::reply::Refusal;
use crate::state::App;

/// Adds the paths.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    let router = add(router, "/v1/auth/verify-email", StatusCode::OK, ByMail::Verify);
    let router = add(
        router,
        "/v1/auth/resend-verification",
        StatusCode::ACCEPTED,
        ByMail::Resend,
    );
    let router = add(
        router,
        "/v1/auth/forgot-password",
        StatusCode::ACCEPTED,
        ByMail::Forgot,
    );
    add(router, "/v1/auth/reset-password", StatusCode::OK, ByMail::Reset)
}

/// Adds a path whose body is a `T`.
fn add<T: DeserializeOwned + 'static>(
    router: Router<Arc<App>>,
    path: &str,
    status: StatusCode,
    request: fn(T) -> ByMail,
) -> Router<Arc<App>> {
    let handler = move |State(app): State<Arc<App>>,
                        Extension(peer): Extension<Peer>,
                        Extension(id): Extension<RequestId>,
                        headers: HeaderMap,
                        body: Read| async move {
        let since = Instant::now();
        let read = body::parameters(&headers, body)?;
        let sender = sender(&app, (peer, id), &headers, None, Delivery::Body);
        let reply = app.engine.by_mail(request(read), sender, since).await?;
        let answered: Result<Response, Refusal> = answer(&app, status, reply);
        answered
    };
    router.route(path, routing::post(handler))
}
