//! `POST /v1/tasks/{id}/attachments` and `GET /v1/attachments/{id}`. Does not know where files are stored.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, routing};
use futures_util::TryStreamExt as _;
use taskwire_protocol::{ErrorCode, Failure, OpId, TaskId};

use super::conditions::{Part, knows, part};
use super::disposition::saved_as;
use super::form::{self, FormFile, Pace};
use super::outer::RequestId;
use super::{UPLOAD, body, caller};
use crate::engine::{Attached, Uploaded};
use crate::ops::{json, not_found};
use crate::reply::Refusal;
use crate::state::App;

/// A file that is opened as a page loads nothing and runs nothing.
const POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";
/// A client that has the file asks each time whether it may still see it.
const PRIVATE: &str = "private, no-cache";

/// Adds the paths.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route(UPLOAD, routing::post(post))
        .route("/v1/attachments/{id}", routing::get(get))
}

/// `POST /v1/tasks/{id}/attachments`
async fn post(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(task): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let caller = caller::known(&app, &head.headers).await?;
    body::uncompressed(&head.headers)?;
    let task: TaskId = task.parse().map_err(|_| not_found("task"))?;
    let op_id = op_id(&head.uri)?;
    let upload = app.engine.may_attach(caller, task).await?;
    let pace = Pace::of(upload.most());
    let FormFile { name, content } = form::file(&head.headers, body, pace).await?;
    let file = Uploaded {
        name,
        op_id,
        request_id,
        content,
    };
    let attachment = app.engine.attach(upload, file).await?;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, json(&attachment)?).into_response())
}

/// The parameter `op_id`. Parameters that are not known are ignored, as caches' additions are.
fn op_id(uri: &Uri) -> Result<Option<OpId>, Failure> {
    let query = uri.query().unwrap_or_default();
    let found = serde_urlencoded::from_str::<Vec<(String, String)>>(query)
        .unwrap_or_default()
        .into_iter()
        .find(|(name, _)| name == "op_id");
    let wrong = || Failure::invalid("op_id", "op_id must be a UUID");
    found
        .map(|(_, text)| text.parse().map_err(|_| wrong()))
        .transpose()
}

/// `GET /v1/attachments/{id}`
async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = caller::known(&app, &headers).await?;
    let id = id.parse().map_err(|_| not_found("attachment"))?;
    let attached = app.engine.attachment(caller, id).await?;
    let tag = format!("\"{id}\"");
    let about = [(ETAG, tag.as_str()), (CACHE_CONTROL, PRIVATE)];
    if knows(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let size = attached.attachment.size;
    // a range is of a GET alone (RFC 9110, section 14.2)
    let part = match method {
        Method::GET => part(&headers, &tag, size),
        _ => Part::Whole,
    };
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Beyond => return Err(beyond(size)),
    };
    let mut response = if method == Method::HEAD {
        (status, about).into_response()
    } else {
        let content = app.engine.content(&attached, range.clone()).await?;
        let content = content.map_err(|failure| io::Error::other(failure.message));
        (status, about, Body::from_stream(content)).into_response()
    };
    describe(response.headers_mut(), &attached);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let bytes = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        headers.insert(CONTENT_RANGE, value(&bytes));
    }
    Ok(response)
}

/// What every answer with the file says about it.
fn describe(headers: &mut HeaderMap, attached: &Attached) {
    let attachment = &attached.attachment;
    let kind = match &*attachment.media_type {
        "text/plain" => value("text/plain; charset=utf-8"),
        kind => value(kind),
    };
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_DISPOSITION, saved_as(&attachment.name));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
}

/// The refusal of a range that the file does not have.
fn beyond(size: u64) -> Refusal {
    let message = format!("the file has {size} bytes, and none in this range");
    let failure = Failure::new(ErrorCode::ValidationError, message).at("range");
    let mut refusal = Refusal::from(failure).with_status(StatusCode::RANGE_NOT_SATISFIABLE);
    refusal
        .headers
        .insert(CONTENT_RANGE, value(&format!("bytes */{size}")));
    refusal
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
