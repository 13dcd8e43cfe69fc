//! What is not the socket: accounts, the same operations by `/v1/rpc`, health, metrics, the front page.
//!
//! - `outer`    what every request goes through: ids, limits, headers, the shape of errors
//! - `refusal`  a failure as an answer
//! - `accounts` signup, login, refresh, logout, me; `cookie` the refresh token's
//! - `rpc`      a request frame in, its answer out
//! - `health`   probes and numbers
//! - `page`     the front page; `unread` the shape of answers to what is no HTTP

mod accounts;
mod body;
mod caller;
mod cookie;
mod health;
mod outer;
mod page;
mod recorder;
mod refusal;
mod rpc;
mod unread;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use taskwire_protocol::{ErrorCode, Failure};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use recorder::recorder;
pub use refusal::Refusal;
pub use unread::Unread;

use crate::socket;
use crate::state::App;

/// The largest body of a request that is not a file.
const BODY: usize = 1024 * 1024;

/// All routes of a node.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page::front))
        .route("/v1/socket", get(socket::upgrade))
        .route("/v1/rpc", post(rpc::call))
        .route("/v1/protocol.json", get(describe))
        .route("/v1/auth/signup", post(accounts::sign_up))
        .route("/v1/auth/login", post(accounts::log_in))
        .route("/v1/auth/refresh", post(accounts::refresh))
        .route("/v1/auth/logout", post(accounts::log_out))
        .route("/v1/auth/me", get(accounts::me))
        .route("/health", get(health::health))
        .route("/health/detailed", get(health::detailed))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(async || Refusal::from(Failure::new(ErrorCode::NotFound, "there is nothing here")))
        .method_not_allowed_fallback(async || {
            Refusal::from(Failure::new(
                ErrorCode::MethodNotAllowed,
                "the path has no such method",
            ))
        })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(CatchPanicLayer::custom(fault))
        .layer(from_fn_with_state(app.clone(), outer::outer))
        .layer(cors(&app))
        .layer(from_fn_with_state(app.clone(), outer::preflight))
        .with_state(app)
}

/// The answer when a part of the program failed: what it was stays in the log.
#[allow(clippy::needless_pass_by_value, reason = "the layer gives it away")]
fn fault(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = text, "a request's task panicked");
    Refusal::from(Failure::new(ErrorCode::InternalError, "a fault of the server")).into_response()
}

async fn describe(State(app): State<Arc<App>>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "application/json")],
        app.engine.describe().to_string(),
    )
}

/// Pages of allowed origins may read answers.
fn cors(app: &App) -> CorsLayer {
    let settings = app.settings.clone();
    let allowed = move |origin: &HeaderValue, _: &axum::http::request::Parts| {
        origin
            .to_str()
            .is_ok_and(|origin| settings.allowed_origins.allows(origin))
    };
    // with a wildcard nobody's cookies may be sent along
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
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers(
            exposed
                .map(HeaderName::from_static)
                .into_iter()
                .chain([RETRY_AFTER])
                .collect::<Vec<_>>(),
        )
        .allow_credentials(credentials)
        .max_age(std::time::Duration::from_mins(10))
}
