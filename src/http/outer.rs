//! Wraps every request: its id, the check of the host, the rate limit, a time limit, security headers, the shape of
//! errors, the metrics. Does not know what the routes do.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::SharedString;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use super::form::Pace;
use super::health::Inside;
use super::toll::Toll;
use super::{IMPORT, PROBES, RPC, UPLOAD};
use crate::auth::limits::Allowance;
use crate::peer;
use crate::reply::Refusal;
use crate::reply::headers::{
    X_CORRELATION_ID, X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING, X_RATELIMIT_RESET, X_REQUEST_ID, secure,
};
use crate::reply::refusal::{self, Waiting};
use crate::state::App;

/// A request that takes longer is aborted, and answered with `TIMEOUT`.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// The same for an import whose file has arrived.
const IMPORTING: Duration = Duration::from_mins(30);
/// The most characters of a client's own request id.
const REQUEST_ID: usize = 128;

/// The id of a request, in its extensions.
#[derive(Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// In the extensions of an answer: how many requests it counts as, besides the one that was counted before it.
#[derive(Clone, Copy, Default)]
pub(super) struct Charged(pub(super) u32);

/// Wraps every route.
pub(super) async fn outer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str).to_owned();
    around(&app, request, route.into(), |request| next.run(request)).await
}

/// Everything that happens to a request before and after `answer`.
pub(super) async fn around<F: Future<Output = Response>>(
    app: &App,
    mut request: Request,
    route: SharedString,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let begun = Instant::now();
    let id: Arc<str> = request_id(request.headers()).into();
    request.extensions_mut().insert(RequestId(id.clone()));
    // at every level: a line about a failure names the request, and its caller once a handler knows it
    let span = tracing::error_span!(
        "request",
        request.id = &*id,
        http.route = &*route,
        user.id = Empty,
        session.id = Empty
    );

    let toll = Toll::of(app, &request, &route);
    let (refused, allowance) = admit(app, host_refused(app, &request), &toll).await;
    let mut response = if let Some(refusal) = refused {
        refusal.into_response()
    } else {
        let doubt = toll.doubt(app);
        let answered = tokio::time::timeout(patience(app, &route), answer(request))
            .instrument(span.clone())
            .await;
        doubt.over();
        answered.unwrap_or_else(|_| {
            Refusal::from(Failure::new(ErrorCode::Timeout, "the request took too long")).into_response()
        })
    };
    toll.charge_wrong_token(app, &response);
    let bytes = response.body().size_hint().exact().unwrap_or(0);
    let more = toll.charge_answer(app, bytes).await;
    span.in_scope(|| shape(&mut response, &id, &route, begun));
    keep_from_caches(&mut response, &route);
    let Charged(besides) = response.extensions_mut().remove().unwrap_or_default();
    let allowance = allowance.or_else(|| response.extensions_mut().remove());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Some(mut allowance) = allowance {
        allowance.remaining = allowance.remaining.saturating_sub(more.saturating_add(besides));
        say_allowance(headers, allowance);
    }
    let status = response.status();
    secure(&app.settings, response.headers_mut());
    let duration_ms = since(begun);
    span.in_scope(|| {
        // while the node stops, 503 is expected and needs no warning
        if status.is_server_error() && !app.is_leaving() {
            tracing::warn!(http.status = status.as_u16(), duration_ms, "answered");
        } else {
            tracing::debug!(http.status = status.as_u16(), duration_ms, "answered");
        }
    });
    let labels = [
        ("route", route.clone()),
        ("status", status.as_str().to_owned().into()),
    ];
    metrics::counter!("taskwire_http_requests_total", &labels).increment(1);
    metrics::histogram!("taskwire_http_request_seconds", "route" => route)
        .record(begun.elapsed().as_secs_f64());
    response
}

/// The longest time of a request. An upload has its own limits, which are shorter than this one; so has an import, which goes
/// on when nobody waits for it.
fn patience(app: &App, route: &str) -> Duration {
    match route {
        UPLOAD => Pace::of(app.settings.attachment_bytes).longest + PATIENCE,
        // the steps of a large one take turns with others
        IMPORT => Pace::of(app.settings.import_bytes as u64).longest + IMPORTING,
        _ => PATIENCE,
    }
}

/// The CORS layer answers a preflight before [`outer`] sees it. So its host is checked here, and its answer gets its id
/// and the headers here.
pub(super) async fn preflight(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.method() != Method::OPTIONS {
        return next.run(request).await;
    }
    let id = request_id(request.headers());
    let mut response = if let Some(failure) = host_refused(&app, &request) {
        let mut response = Refusal::from(failure).into_response();
        shape(&mut response, &id, request.uri().path(), Instant::now());
        response
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if let (false, Ok(id)) = (headers.contains_key(X_REQUEST_ID), HeaderValue::from_str(&id)) {
        headers.insert(X_REQUEST_ID, id);
    }
    secure(&app.settings, headers);
    response
}

/// Whether a request is refused, and the state of the window in which it counts.
async fn admit(app: &App, host: Option<Failure>, toll: &Toll) -> (Option<Refusal>, Option<Allowance>) {
    if host.is_some() {
        return (host.map(Refusal::from), None);
    }
    let (refused, allowance) = toll.admit(app).await;
    (refused.map(Refusal::from), allowance)
}

/// Refuses a request whose `Host` header is ambiguous or names another host than the settings allow.
fn host_refused(app: &App, request: &Request) -> Option<Failure> {
    let bad = |message| Some(Failure::new(ErrorCode::BadFrame, message));
    // with two `Host` headers, a proxy in front may have used the other one (RFC 9112, section 3.2)
    let named = request.headers().get_all(HOST).iter().count();
    if named > 1 || (named == 0 && request.version() == Version::HTTP_11) {
        return bad("send exactly one Host header");
    }
    let hosts = app.settings.hosts();
    let host = peer::host(request.headers(), request.uri()).unwrap_or("");
    if hosts.is_empty()
        || PROBES.contains(&request.uri().path())
        || request.extensions().get::<Inside>().is_some()
        || hosts.iter().any(|allowed| allowed.matches(host))
    {
        return None;
    }
    bad("the Host header is not in allowed_hosts, nor the host of public_url")
}

/// The client's own request id if it is valid, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let valid = |id: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        (1..=REQUEST_ID).contains(&id.len()) && id.bytes().all(plain)
    };
    [X_REQUEST_ID, X_CORRELATION_ID]
        .iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .find(valid)
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// Gives an error its body. A refusal without a `Failure`, such as the router's, gets one that fits its status.
fn shape(response: &mut Response, id: &str, route: &str, begun: Instant) {
    let status = response.status();
    let mut failure = match response.extensions_mut().remove::<Waiting>() {
        Some(Waiting(failure)) => *failure,
        None if status.is_client_error() || status.is_server_error() => {
            if response.headers().contains_key(CONTENT_TYPE) && is_json(response.headers()) {
                return;
            }
            refusal::of_status(status)
        }
        None => return,
    };
    // a failure that has an id was already logged
    if failure.code == ErrorCode::InternalError && failure.request_id.is_empty() {
        let duration_ms = since(begun);
        tracing::error!(duration_ms, "a request failed: {}", failure.message);
    }
    refusal::say_when(response.headers_mut(), &failure, status);
    let body = if route == RPC {
        refusal::frame(None, &mut failure, id)
    } else {
        refusal::body(&failure, id)
    };
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.remove(axum::http::header::CONTENT_LENGTH);
}

/// No cache stores an error, nor an answer of the API that does not say how long it is good: it names people, and it is for
/// one of them. Files of people say so themselves: their owner's browser may keep them, and asks each time (`private`).
fn keep_from_caches(response: &mut Response, route: &str) {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_said = response.headers().contains_key(CACHE_CONTROL);
    let is_of_api = route.starts_with("/v1/") && status != StatusCode::SWITCHING_PROTOCOLS;
    if is_error || (is_of_api && !is_said) {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

fn since(begun: Instant) -> u64 {
    begun.elapsed().as_millis() as u64
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// The state of the window, unless another limit refused the request and told its own.
fn say_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    if headers.contains_key(X_RATELIMIT_LIMIT) {
        return;
    }
    headers.insert(X_RATELIMIT_LIMIT, allowance.limit.into());
    headers.insert(X_RATELIMIT_REMAINING, allowance.remaining.into());
    headers.insert(X_RATELIMIT_RESET, allowance.reset_seconds.into());
}
