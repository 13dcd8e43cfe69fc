//! Probes and metrics: whether the process is alive, whether it accepts work, and the state of what it depends on.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use taskwire_protocol::{ErrorCode, Failure};

use super::recorder;
use crate::live::BusHealth;
use crate::ops::bug;
use crate::reply::Refusal;
use crate::state::App;

/// If the smallest query takes longer, the database counts as degraded.
const SLOW: Duration = Duration::from_millis(500);

/// `GET /health`
pub(super) async fn health() -> Response {
    fresh(Json(json!({ "status": "healthy" })))
}

/// `GET /livez`
pub(super) async fn alive() -> Response {
    fresh(Json(json!({ "status": "alive" })))
}

/// `GET /readyz`: 503 as soon as the node begins to stop, and only then. Without its database a node is still ready: all
/// nodes share the database, so another one would answer no better, and clients would stay away for longer than the
/// outage. `/health/detailed` is for alarms.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    if app.is_leaving() {
        return Err(Failure::new(ErrorCode::Unavailable, "the node is about to stop").into());
    }
    Ok(fresh(Json(json!({ "status": "ready" }))))
}

/// `GET /health/detailed`: 503 if the database does not answer. Without Redis, or without room to write, the node
/// continues, and is degraded.
pub(super) async fn detailed(State(app): State<Arc<App>>) -> Response {
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
    let body = fresh(Json(body));
    if database.healthy {
        return body;
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], body).into_response()
}

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let Some(recorder) = app.metrics.clone() else {
        return Err(Failure::new(ErrorCode::NotFound, "metrics are off: metrics_enabled is false").into());
    };
    let rendered = tokio::task::spawn_blocking(move || recorder::render(&recorder, &app)).await;
    let text = rendered.map_err(|_| bug("the metrics could not be read; the server's log has the reason"))?;
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok(fresh((kind, text)))
}

fn fresh(body: impl IntoResponse) -> Response {
    ([(CACHE_CONTROL, "no-store")], body).into_response()
}
