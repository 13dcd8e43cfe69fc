//! Probes and metrics: whether the process is alive, whether it accepts work, and the state of what it depends on. The last
//! and the metrics are for operators: at `metrics_listen`, with a token, or on a developer's own machine.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, FORWARDED, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use taskwire_protocol::{ErrorCode, Failure};

use super::kept::Kept;
use super::recorder;
use crate::config::Environment;
use crate::live::BusHealth;
use crate::ops::bug;
use crate::peer;
use crate::reply::Refusal;
use crate::state::App;

/// If the smallest query takes longer, the database counts as degraded.
const SLOW: Duration = Duration::from_millis(500);

/// `GET /health`
async fn health() -> Response {
    fresh(Json(json!({ "status": "healthy" })))
}

/// `GET /livez`
async fn alive() -> Response {
    fresh(Json(json!({ "status": "alive" })))
}

/// `GET /readyz`: 503 as soon as the node begins to stop, and only then. Without its database a node is still ready: all
/// nodes share the database, so another one would answer no better, and clients would stay away for longer than the
/// outage. `/health/detailed` is for alarms.
async fn ready(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    if app.is_leaving() {
        return Err(Failure::new(ErrorCode::Unavailable, "the node is about to stop").into());
    }
    Ok(fresh(Json(json!({ "status": "ready" }))))
}

/// In the extensions of requests that came at `metrics_listen`.
#[derive(Clone, Copy)]
pub(super) struct Inside;

/// The state of what a node depends on, and whether its database answers.
type Report = (bool, Value);

/// Adds the probes, and what is for operators.
pub(super) fn routes(router: Router<Arc<App>>, app: &App) -> Router<Arc<App>> {
    let (limited, now_ms) = (app.settings.rate_limit_enabled, app.elapsed_ms());
    let reports: Arc<Kept<Report>> = Kept::new(limited, now_ms);
    let numbers: Arc<Kept<Option<Bytes>>> = Kept::new(limited, now_ms);
    let detailed = move |State(app): State<Arc<App>>, request: Request| {
        let admitted = admitted(&app, &request);
        let reports = reports.clone();
        async move {
            admitted?;
            detailed(app, &reports).await
        }
    };
    let metrics = move |State(app): State<Arc<App>>, request: Request| {
        let admitted = admitted(&app, &request);
        let numbers = numbers.clone();
        async move {
            admitted?;
            metrics(app, &numbers).await
        }
    };
    router
        .route("/health", get(health))
        .route("/health/detailed", get(detailed))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Refuses everybody but operators.
fn admitted(app: &App, request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    let settings = &app.settings;
    let is_forwarded = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
    // on a developer's own machine: nobody else reaches the address
    let is_at_home = settings.environment == Environment::Development && settings.listen.is_loopback();
    if request.extensions().get::<Inside>().is_some()
        || (is_at_home && !is_forwarded)
        || peer::bearer(headers).is_some_and(|token| app.operators.is_token(token))
    {
        return Ok(());
    }
    let message = "this is for operators: send the header Authorization: Bearer with metrics_token, or ask at metrics_listen";
    Err(Failure::new(ErrorCode::AuthRequired, message).into())
}

/// `GET /health/detailed`: 503 if the database does not answer. Without Redis, or without room to write, the node
/// continues, and is degraded.
async fn detailed(app: Arc<App>, reports: &Arc<Kept<Report>>) -> Result<Response, Refusal> {
    let now_ms = app.elapsed_ms();
    let report = reports.get(now_ms, move || report(app)).await;
    let (healthy, body) =
        report.ok_or_else(|| bug("the state could not be read; the server's log has the reason"))?;
    let body = fresh(Json(body));
    if healthy {
        return Ok(body);
    }
    Ok((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], body).into_response())
}

async fn report(app: Arc<App>) -> Report {
    let database = app.engine.database_health().await;
    let status = match database.healthy {
        true if database.latency > SLOW || database.shortage.is_some() => "degraded",
        true => "healthy",
        false => "unhealthy",
    };
    let (redis, latency) = match app.engine.hub().bus_health() {
        BusHealth::Off => ("off", None),
        BusHealth::Up(latency) => ("healthy", Some(latency)),
        BusHealth::Down => ("degraded", None),
    };
    let mut redis_says = json!({ "status": redis });
    if let Some(latency) = latency {
        redis_says["latency_ms"] = json!(latency.as_secs_f64() * 1000.0);
    }
    let overall = match (status, redis) {
        ("healthy", "degraded") => "degraded",
        _ => status,
    };
    let mut body = json!({
        "status": overall,
        "version": env!("CARGO_PKG_VERSION"),
        "instance": app.settings.instance,
        "draining": app.is_leaving(),
        "sockets": app.sockets.count(),
        "database": {
            "status": status,
            "latency_ms": database.latency.as_secs_f64() * 1000.0,
            "kind": database.kind,
        },
        "redis": redis_says,
    });
    if let Some(shortage) = &database.shortage {
        body["database"]["message"] = json!(shortage);
    }
    (database.healthy, body)
}

/// `GET /metrics`
async fn metrics(app: Arc<App>, numbers: &Arc<Kept<Option<Bytes>>>) -> Result<Response, Refusal> {
    let Some(recorder) = app.metrics.clone() else {
        return Err(Failure::new(ErrorCode::NotFound, "metrics are off: metrics_enabled is false").into());
    };
    let now_ms = app.elapsed_ms();
    let render = move || async move {
        let rendered = tokio::task::spawn_blocking(move || recorder::render(&recorder, &app)).await;
        rendered.ok().map(Bytes::from)
    };
    let text = numbers.get(now_ms, render).await.flatten();
    let text = text.ok_or_else(|| bug("the metrics could not be read; the server's log has the reason"))?;
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok(fresh((kind, text)))
}

fn fresh(body: impl IntoResponse) -> Response {
    ([(CACHE_CONTROL, "no-store")], body).into_response()
}
