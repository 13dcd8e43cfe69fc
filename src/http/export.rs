//! Exports: `GET /v1/export`, a workspace as a file, and `GET /v1/profile/export`, the caller's own data as a ZIP. Does not
//! know what is in them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use taskwire_protocol::export::ExportFormat;
use taskwire_protocol::{Failure, WorkspaceId};
use tower_http::compression::CompressionLayer;

use super::{caller, disposition, download};
use crate::reply::Refusal;
use crate::state::App;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Adds the paths.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    let compressed = routing::get(workspace).layer(CompressionLayer::new());
    router
        .route("/v1/export", compressed)
        .route("/v1/profile/export", routing::get(account))
}

async fn workspace(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Result<Response, Refusal> {
    let caller = caller::known(&app, &headers).await?;
    let (workspace, format) = asked(&uri)?;
    let file = app.engine.export_workspace(caller, workspace, format).await?;
    let media_type = match format {
        ExportFormat::Json => "application/json",
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ExportFormat::Ics => "text/calendar; charset=utf-8",
    };
    let name = format!("{} {}.{}", file.workspace, file.day, format.name());
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, NO_STORE),
        (CONTENT_DISPOSITION, disposition::saved_as(&name)),
    ];
    Ok((headers, download::body(file.pieces).await?).into_response())
}

/// The parameters. Those that are not known are ignored, as caches' additions are.
fn asked(uri: &Uri) -> Result<(Option<WorkspaceId>, ExportFormat), Failure> {
    let query = uri.query().unwrap_or_default();
    let (mut workspace, mut format) = (None, None);
    for (name, value) in serde_urlencoded::from_str::<Vec<(String, String)>>(query).unwrap_or_default() {
        match &*name {
            "workspace_id" if workspace.is_none() => {
                let id = value.parse();
                let refusal =
                    || Failure::invalid("workspace_id", "workspace_id must be the id of a workspace");
                workspace = Some(id.map_err(|_| refusal())?);
            }
            "format" if format.is_none() => {
                let refusal = || Failure::invalid("format", "format must be json, csv or ics");
                format = Some(ExportFormat::named(&value).ok_or_else(refusal)?);
            }
            _ => {}
        }
    }
    Ok((workspace, format.unwrap_or_default()))
}

async fn account(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
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
