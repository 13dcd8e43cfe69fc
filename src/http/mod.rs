//! Everything over HTTP except sockets and streams of events, to which it only has the routes: sign-in, the same operations by `/v1/rpc`, health, metrics, the board.
//!
//! - `outer`    wraps every request: ids, limits, headers, the shape of errors; `toll` who pays for it
//! - `accounts` signup, login, refresh, logout, me; `cookie` holds the refresh token, `own_page` says whose requests may
//!   read and set it
//! - `photos`   uploads and pictures of accounts
//! - `attachments` the files of tasks: `form` reads an upload, `conditions` the part that a client wants, `disposition`
//!   writes the name for saving
//! - `calendar` the calendar feed of a person
//! - `export`   a workspace as a file, an account's data as an archive; `snapshot` the state of a workspace; `download` the
//!   bodies of all of them
//! - `import`   a file that becomes tasks of a workspace
//! - `by_mail`  verifying an address, resetting a password
//! - `device`   signing a program in by a code, and the page on which its person approves
//! - `first_admin` the first administrator, by a link
//! - `unsubscribe` the link in reminders by mail, which ends them
//! - `rpc`      answers a request frame, or an array of them
//! - `health`   probes and metrics; `recorder` records metrics, `metrics` is the table of all of them,
//!   `process` reads those of the process; `kept` shares an answer that is made seldom
//! - `body`     reads bodies; `memory` how much of it they may take
//! - `board`    the live board: the page and its files; `page` small pages that load nothing

mod accounts;
mod attachments;
mod board;
mod body;
mod by_mail;
mod calendar;
mod caller;
mod conditions;
mod cookie;
mod device;
mod disposition;
mod download;
mod export;
mod first_admin;
mod form;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod health;
mod import;
mod kept;
mod memory;
mod metrics;
mod outer;
mod own_page;
mod page;
mod photos;
mod process;
mod recorder;
mod rpc;
mod snapshot;
#[cfg(test)]
mod tests;
mod toll;
mod unsubscribe;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    RETRY_AFTER, UPGRADE,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use taskwire_protocol::{ErrorCode, Failure};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use health::Inside;
pub use recorder::recorder;

use crate::config::Settings;
use crate::peer;
use crate::reply::Refusal;
use crate::reply::headers::{X_CORRELATION_ID, X_REQUEST_ID};
use crate::socket;
use crate::state::App;

/// The path of sockets.
const SOCKET: &str = "/v1/socket";
/// The path of events without a socket.
const EVENTS: &str = "/v1/events";
/// The path that carries out their operations without a socket.
const RPC: &str = "/v1/rpc";
/// Probes and scrapers reach a node by an address that its operator does not know before: they may ask under any name. What
/// tells more than that the node lives asks for a token.
const PROBES: [&str; 5] = ["/livez", "/readyz", "/health", "/health/detailed", "/metrics"];
/// The path of uploads, which may take longer than other requests.
const UPLOAD: &str = "/v1/tasks/{id}/attachments";
/// The path of imports, which may take longer too.
const IMPORT: &str = "/v1/import";
/// A body that is larger, in bytes, needs one of a few places in memory.
const BODY: usize = 1024 * 1024;
/// Bytes allowed between two frames of an array: a comma, a line break, some indentation.
const BETWEEN_FRAMES: usize = 16;

/// Answers the requests of a node. Clones share everything.
#[derive(Clone, Debug)]
pub struct Routes {
    app: Arc<App>,
    router: Router,
    /// Requests come at `metrics_listen`.
    inside: bool,
}

impl Routes {
    /// All routes of a node.
    pub fn new(app: &Arc<App>) -> Routes {
        Routes {
            app: app.clone(),
            router: router(app.clone()),
            inside: false,
        }
    }

    /// The routes at `metrics_listen`: probes and metrics, for everybody who reaches that address, under any name.
    pub fn inside(app: &Arc<App>) -> Routes {
        Routes {
            app: app.clone(),
            router: layered(health::routes(Router::new(), app), app.clone()),
            inside: true,
        }
    }

    /// Answers a request. A WebSocket handshake skips the layers for CORS, preflights and bodies.
    pub async fn answer(self, mut request: axum::http::Request<Incoming>) -> Response {
        if self.inside {
            request.extensions_mut().insert(Inside);
        }
        if self.inside || !is_handshake(&request) {
            return match self.router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        }
        let app = self.app.clone();
        let upgrade = async move |request| caught(socket::upgrade(app, request)).await;
        let request = request.map(|_none| Body::empty());
        outer::around(&self.app, request, SOCKET.into(), upgrade).await
    }
}

impl Routes {
    /// Answers a request for which the node has no place but its reserve: only probes, upgrades and what brings a token of
    /// this node are carried out.
    pub async fn answer_in_reserve(self, request: axum::http::Request<Incoming>) -> Response {
        let is_urgent = PROBES.contains(&request.uri().path())
            || is_handshake(&request)
            || peer::bearer(request.headers()).is_some_and(|token| self.app.engine.is_token(token));
        if is_urgent {
            return self.answer(request).await;
        }
        let request = request.map(|_unread| Body::empty());
        let refuse = async |_| {
            let message = "the node serves as many connections as it may (max_connections); try again";
            let failure = Failure::new(ErrorCode::Unavailable, message).after(1000);
            Refusal::from(failure).into_response()
        };
        outer::around(&self.app, request, "unknown".into(), refuse).await
    }
}

fn is_handshake(request: &axum::http::Request<Incoming>) -> bool {
    request.method() == Method::GET
        && request.uri().path() == SOCKET
        && request.headers().contains_key(UPGRADE)
}

/// The largest body of `/v1/rpc`: an array of as many frames, each as large, as the settings allow. A body stays in
/// memory until it is answered or times out. So only callers with a token may send large ones, and only a few at a
/// time.
fn rpc_body(settings: &Settings) -> usize {
    let frame = settings.frame_bytes.saturating_add(BETWEEN_FRAMES);
    frame.saturating_mul(settings.batch_ops).max(BODY)
}

/// All routes of a node, and the layers around them.
fn router(app: Arc<App>) -> Router {
    layered(routes(&app), app)
}

fn routes(app: &App) -> Router<Arc<App>> {
    let router = Router::new()
        .route(SOCKET, get(upgrade))
        .route(EVENTS, get(events))
        .route(RPC, post(rpc::call))
        .route("/v1/protocol.json", get(describe));
    let router = board::routes(health::routes(router, app), &app.settings);
    let router = snapshot::routes(export::routes(attachments::routes(photos::routes(router))));
    let router = calendar::routes(router);
    let router = import::routes(router);
    let router = unsubscribe::routes(first_admin::routes(accounts::routes(router)));
    device::routes(by_mail::routes(router))
}

/// Whatever happens to a request, however its route behaves: the answer has the usual shape, headers and id.
fn layered(routes: Router<Arc<App>>, app: Arc<App>) -> Router {
    routes
        .fallback(async || Refusal::from(Failure::new(ErrorCode::NotFound, "no such path")))
        .method_not_allowed_fallback(async || {
            Refusal::from(Failure::new(
                ErrorCode::MethodNotAllowed,
                "the path does not allow this method",
            ))
        })
        .layer(CatchPanicLayer::custom(fault))
        .layer(from_fn_with_state(app.clone(), outer::outer))
        .layer(cors(&app))
        .layer(from_fn_with_state(app.clone(), outer::preflight))
        .with_state(app)
}

/// The answer to a request that no layer catches.
async fn caught(answer: impl Future<Output: IntoResponse>) -> Response {
    let answered = AssertUnwindSafe(answer).catch_unwind().await;
    answered.map_or_else(fault, IntoResponse::into_response)
}

/// The answer to a request that panicked.
fn fault(panic: Box<dyn Any + Send>) -> Response {
    Refusal::from(failed(panic)).into_response()
}

/// The failure that a client gets after a panic. The details are only logged.
#[allow(
    clippy::needless_pass_by_value,
    reason = "a caller that catches a panic owns it"
)]
fn failed(panic: Box<dyn Any + Send>) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = text, "a request panicked");
    Failure::new(ErrorCode::InternalError, "internal server error")
}

async fn upgrade(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    socket::upgrade(app, request).await
}

async fn events(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    socket::events(app, request).await
}

async fn describe(State(app): State<Arc<App>>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")],
        app.engine.describe().to_string(),
    )
}

/// Lets pages of allowed origins read answers.
fn cors(app: &Arc<App>) -> CorsLayer {
    let node = app.clone();
    let allowed = move |origin: &HeaderValue, request: &axum::http::request::Parts| {
        let parsed = origin.to_str().ok().and_then(|origin| origin.parse().ok());
        let lets_in = parsed.is_some_and(|origin| node.settings.lets_in(&origin));
        // the node's own pages need nobody's permission
        if !lets_in && !peer::may_come_from(&request.headers, &request.uri, &node.settings) {
            node.strangers
                .refused(&request.headers, &request.uri, &node.settings);
        }
        lets_in
    };
    // with a wildcard, browsers must not send cookies along
    let credentials = !app.settings.allowed_origins.any;
    let exposed = [
        "x-request-id",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static("last-event-id"),
            X_REQUEST_ID,
            X_CORRELATION_ID,
        ])
        .expose_headers(
            exposed
                .map(HeaderName::from_static)
                .into_iter()
                .chain([
                    ACCEPT_RANGES,
                    CONTENT_DISPOSITION,
                    CONTENT_RANGE,
                    ETAG,
                    RETRY_AFTER,
                ])
                .collect::<Vec<_>>(),
        )
        .allow_credentials(credentials)
        .max_age(std::time::Duration::from_mins(10))
}
