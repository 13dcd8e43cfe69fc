//! `GET /v1/calendar/{secret}.ics`: the calendar feed of a person, for programs that know nothing but its address. Does not
//! know what is in it. The path is written to no log: routes are logged by their patterns.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use taskwire_protocol::Failure;
use tower_http::compression::CompressionLayer;

use super::{conditions, download};
use crate::ops::not_found;
use crate::peer::{self, Peer};
use crate::reply::Refusal;
use crate::state::App;

/// Adds the path.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    let compressed = routing::get(get).layer(CompressionLayer::new());
    router.route("/v1/calendar/{secret}", compressed)
}

async fn get(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let secret = file
        .strip_suffix(".ics")
        .ok_or_else(|| not_found("calendar feed"))?;
    let events = as_events(&uri)?;
    let address = peer::address(peer, &headers, &app.settings);
    let feed = app.engine.calendar(secret, events, Some(address)).await?;
    let about = about(&feed.tag);
    if conditions::knows(&headers, &feed.tag) {
        return Ok((StatusCode::NOT_MODIFIED, about, Body::empty()).into_response());
    }
    let body = download::body(feed.begin()?).await?;
    let kind = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/calendar; charset=utf-8"),
        ),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_static("inline; filename=\"taskwire.ics\""),
        ),
    ];
    Ok((about, kind, body).into_response())
}

/// Only the program that asked may keep it, and it asks again each time.
fn about(tag: &str) -> [(HeaderName, HeaderValue); 2] {
    let tag = HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("\"\""));
    let private = HeaderValue::from_static("private, no-cache");
    [(CACHE_CONTROL, private), (ETAG, tag)]
}

/// The parameter `as`. Parameters that are not known are ignored.
fn as_events(uri: &Uri) -> Result<bool, Failure> {
    let query = uri.query().unwrap_or_default();
    let mut found = serde_urlencoded::from_str::<Vec<(String, String)>>(query)
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| name == "as")
        .map(|(_, value)| value);
    match found.next().as_deref() {
        None | Some("todos") => Ok(false),
        Some("events") => Ok(true),
        Some(_) => Err(Failure::invalid("as", "as must be todos or events")),
    }
}
