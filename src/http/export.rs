//! `GET /v1/profile/export`: the caller's own data as a ZIP. Does not know what is in it.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use futures_util::{StreamExt as _, stream};

use super::caller;
use crate::engine::Export;
use crate::reply::Refusal;
use crate::state::App;

/// Adds the path.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router.route("/v1/profile/export", routing::get(get))
}

/// Waits for the first piece, so that what fails at once has a status. What fails later ends the connection before the
/// end of the body: the client sees that the archive is not whole.
async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let caller = caller::required(&app, &headers).await?;
    let mut export = app.engine.export(caller).await?;
    let first = export.next().await.transpose()?.unwrap_or_default();
    let name = format!("attachment; filename=\"taskwire-export-{}.zip\"", export.day);
    let headers = [
        (CONTENT_TYPE, "application/zip"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    let rest = stream::unfold(export, async |mut export: Export| {
        let piece = export.next().await?;
        Some((piece.map_err(|failure| io::Error::other(failure.message)), export))
    });
    let body = Body::from_stream(stream::iter([Ok(first)]).chain(rest));
    Ok((headers, body).into_response())
}
