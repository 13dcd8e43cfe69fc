//! `POST /v1/import`: a file becomes projects, tasks and comments of a workspace. Does not know its formats.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, routing};
use taskwire_protocol::import::{ImportFormat, Imported};
use taskwire_protocol::{ErrorCode, Failure, limits};

use super::form::Pace;
use super::outer::RequestId;
use super::{IMPORT, body, caller};
use crate::engine::Wanted;
use crate::ops::{bug, json, not_found};
use crate::reply::Refusal;
use crate::state::App;

/// Adds the path.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router.route(IMPORT, routing::post(post))
}

async fn post(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let caller = caller::known(&app, &head.headers).await?;
    body::uncompressed(&head.headers)?;
    let wanted = wanted(&head.uri, caller.personal, request_id)?;
    let importing = app.engine.may_import(caller, wanted).await?;
    let most = importing.most();
    let file = body::file(body, most, Pace::of(most as u64)).await;
    let file = file.map_err(say_what_to_do)?;
    let reply = app.engine.import(importing, file).await?;
    let imported: Option<Imported> = reply.output();
    let imported = Imported {
        replayed: reply.replayed,
        ..imported.ok_or_else(|| bug("the answer to an import cannot be read"))?
    };
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, json(&imported)?).into_response())
}

/// A workspace may be larger than what is imported at once.
fn say_what_to_do(mut failure: Failure) -> Failure {
    if failure.code == ErrorCode::PayloadTooLarge {
        let advice = "; split it, or ask who runs the server for a larger import_bytes";
        failure.message.push_str(advice);
    }
    failure
}

/// The parameters of the query. Another one is refused: `dryrun=true` must not import.
const PARAMETERS: [&str; 5] = ["workspace_id", "format", "project", "dry_run", "op_id"];

/// The most characters of its name in the refusal.
const NAMED: usize = 40;

/// What the query says.
fn wanted(
    uri: &Uri,
    personal: taskwire_protocol::WorkspaceId,
    request_id: Arc<str>,
) -> Result<Wanted, Failure> {
    let query = uri.query().unwrap_or_default();
    let query: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    if let Some((other, _)) = query
        .iter()
        .find(|(name, _)| !PARAMETERS.contains(&name.as_str()))
    {
        let name: String = other.chars().filter(|c| !c.is_control()).take(NAMED).collect();
        let known = PARAMETERS.join(", ");
        return Err(Failure::invalid(
            name.as_str(),
            format!("an import has no parameter {name}; it has {known}"),
        ));
    }
    let get = |name: &str| {
        query
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    let workspace = match get("workspace_id") {
        Some(id) => id
            .parse()
            .map_err(|_| not_found("workspace").at("workspace_id"))?,
        None => personal,
    };
    let format = get("format").and_then(ImportFormat::of).ok_or_else(|| {
        let names = ImportFormat::ALL.map(ImportFormat::name).join(", ");
        Failure::invalid("format", format!("format must be one of {names}"))
    })?;
    let op_id = get("op_id").map(str::parse).transpose();
    let op_id = op_id.map_err(|_| Failure::invalid("op_id", "op_id must be a UUID"))?;
    let dry_run = match get("dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Failure::invalid("dry_run", "dry_run must be true or false")),
    };
    let project = get("project").map(str::trim).filter(|name| !name.is_empty());
    if project.is_some_and(|name| name.chars().count() > limits::PROJECT_NAME) {
        let message = format!("project must be at most {} characters", limits::PROJECT_NAME);
        return Err(Failure::invalid("project", message));
    }
    Ok(Wanted {
        workspace,
        format,
        project: project.map(str::to_owned),
        dry_run,
        op_id,
        request_id,
    })
}
