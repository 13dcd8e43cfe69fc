//! `GET /v1/workspaces/{id}/snapshot`: the state of a workspace as lines of JSON, compressed as the client allows. Does not
//! know what is in the lines.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use taskwire_protocol::{Failure, WorkspaceId};
use tower_http::compression::CompressionLayer;

use super::{caller, download};
use crate::ops::not_found;
use crate::reply::Refusal;
use crate::state::App;

/// Adds the path.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    let compressed = routing::get(get).layer(CompressionLayer::new());
    router.route("/v1/workspaces/{id}/snapshot", compressed)
}

async fn get(
    State(app): State<Arc<App>>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let caller = caller::known(&app, &headers).await?;
    let workspace: WorkspaceId = workspace.parse().map_err(|_| not_found("workspace"))?;
    let pieces = app.engine.snapshot(caller, workspace, open_only(&uri)?).await?;
    let about = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((about, download::body(pieces).await?).into_response())
}

/// The parameter `open_only`. Parameters that are not known are ignored, as caches' additions are.
fn open_only(uri: &Uri) -> Result<Option<bool>, Failure> {
    let query = uri.query().unwrap_or_default();
    let mut found = serde_urlencoded::from_str::<Vec<(String, String)>>(query)
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| name == "open_only")
        .map(|(_, value)| value);
    match found.next().as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Failure::invalid("open_only", "open_only must be true or false")),
    }
}
