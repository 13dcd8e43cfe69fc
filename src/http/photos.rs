//! `PUT` and `DELETE /v1/profile/photo`, and `GET /v1/users/{id}/photo`. Does not know how a picture is checked, nor
//! where it is stored.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, routing};
use futures_util::{StreamExt as _, stream};
use taskwire_protocol::account::User;
use taskwire_protocol::{ErrorCode, Failure, UserId};

use super::body::{self, Held};
use super::caller;
use super::conditions::knows;
use super::outer::RequestId;
use crate::auth::limits::Limit;
use crate::engine::{Delivery, Picture, Sender, Size};
use crate::ops::{json, not_found};
use crate::peer::{self, Peer};
use crate::pictures::{Kind, MEDIA_TYPES};
use crate::reply::Refusal;
use crate::state::App;

/// A photo that is opened as a page loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// For the URL that names this picture: another picture has another URL.
const FRESH: &str = "private, max-age=86400, immutable";
/// For every other URL.
const CHANGING: &str = "private, no-cache";
/// The bytes that tell the type of a picture.
const MAGIC: usize = 12;

/// Adds the paths.
pub(super) fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/v1/profile/photo", routing::put(put).delete(remove))
        .route("/v1/users/{id}/photo", routing::get(get))
}

/// `PUT /v1/profile/photo`: the body is the picture.
async fn put(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let caller = caller::required(&app, &head.headers).await?;
    body::uncompressed(&head.headers)?;
    let kind = kind(&head.headers)?;
    app.engine.limits().take(Limit::Photo, caller.user.id).await?;
    let Held { bytes, place, memory } = body::picture(body, caller.user.id).await?;
    // the session may have ended while the body arrived
    let caller = caller::required(&app, &head.headers).await?;
    answer(&app.engine.set_photo(caller, kind, bytes, (place, memory)).await?)
}

/// `DELETE /v1/profile/photo`
async fn remove(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let caller = caller::required(&app, &headers).await?;
    answer(&app.engine.remove_photo(caller).await?)
}

fn answer(user: &User) -> Result<Response, Refusal> {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Ok((headers, json(user)?).into_response())
}

fn kind(headers: &HeaderMap) -> Result<Kind, Failure> {
    let declared = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    declared.and_then(Kind::of_media_type).ok_or_else(|| {
        let message = format!("send the picture itself, with the Content-Type {MEDIA_TYPES}");
        Failure::new(ErrorCode::UnsupportedMedia, message)
    })
}

/// `GET /v1/users/{id}/photo`
async fn get(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(RequestId(id)): Extension<RequestId>,
    Path(user): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let sender = Sender {
        caller: Some(caller::known(&app, &headers).await?),
        origin: peer::origin(peer, &headers, &app.settings),
        delivery: Delivery::Body,
        request_id: Some(id),
    };
    let user: UserId = user.parse().map_err(|_| not_found("user"))?;
    let asked = Asked::read(&uri)?;
    let picture = app.engine.photo(sender, user, asked.size).await?;
    let tag = format!("\"{}\"", picture.tag());
    let cache = match asked.version {
        Some(version) if picture.is_version(&version) => FRESH,
        _ => CHANGING,
    };
    let about = [(ETAG, tag.as_str()), (CACHE_CONTROL, cache)];
    if knows(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok((about, send(&app, &picture).await?).into_response())
}

/// The picture itself. The first piece tells its type.
async fn send(app: &App, picture: &Picture) -> Result<Response, Failure> {
    let mut file = app.engine.file_of(picture).await?;
    let mut first = Vec::new();
    while first.len() < MAGIC
        && let Some(piece) = file.content.next().await
    {
        first.extend_from_slice(&piece?);
    }
    let media_type = Kind::of_bytes(&first).map_or("application/octet-stream", Kind::media_type);
    let first = stream::iter([Ok(Bytes::from(first))]);
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_DISPOSITION, "inline"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    let mut response = (headers, Body::from_stream(first.chain(file.content))).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, file.size.into());
    Ok(response)
}

/// The query of a request for a picture.
struct Asked {
    size: Size,
    version: Option<String>,
}

impl Asked {
    /// 256 pixels when the size is omitted. Parameters that are not known are ignored, as caches' additions are.
    fn read(uri: &Uri) -> Result<Asked, Failure> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
        let mut asked = Asked {
            size: Size::Large,
            version: None,
        };
        for (name, value) in pairs {
            match &*name {
                "size" => {
                    let wrong = || Failure::invalid("size", "size must be 64 or 256");
                    asked.size = Size::of(&value).ok_or_else(wrong)?;
                }
                "v" => asked.version = Some(value),
                _ => {}
            }
        }
        Ok(asked)
    }
}
