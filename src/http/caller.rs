//! Who sends a request: the owner of its bearer token.

use std::sync::Arc;

use axum::http::HeaderMap;
use taskwire_protocol::{ErrorCode, Failure};

use crate::engine::Caller;
use crate::peer;
use crate::state::App;

/// The owner of the token; `None` without one.
pub(super) async fn caller(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Caller>>, Failure> {
    of(app, peer::bearer(headers)).await
}

/// The owner of this token, as they are now; `None` without a token.
pub(super) async fn of(app: &App, token: Option<&str>) -> Result<Option<Arc<Caller>>, Failure> {
    match token {
        Some(token) => Ok(Some(app.engine.owner_now(token).await?)),
        None => Ok(None),
    }
}

/// The owner of the token; `AUTH_REQUIRED` without one.
pub(super) async fn required(app: &App, headers: &HeaderMap) -> Result<Arc<Caller>, Failure> {
    caller(app, headers).await?.ok_or_else(auth_required)
}

/// The refusal of a request without a token.
pub(super) fn auth_required() -> Failure {
    Failure::new(
        ErrorCode::AuthRequired,
        "authentication required: send the header Authorization: Bearer TOKEN",
    )
}
