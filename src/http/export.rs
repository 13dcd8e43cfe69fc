//! `GET /v1/profile/export`: the caller's own data as a ZIP. Does not know what is in it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};

use super::{caller, download};
use crate::reply::Refusal;
use crate::state::App;

/// Adds the path.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router.route("/v1/profile/export", routing::get(get))
}

async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let caller = caller::required(&app, &headers).await?;
    let export = app.engine.export(caller).await?;
    let name = format!("attachment; filename=\"taskwire-export-{}.zip\"", export.day);
    let headers = [
        (CONTENT_TYPE, "application/zip"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    let body = download::body(export.pieces).await?;
    Ok((headers, body).into_response())
}
