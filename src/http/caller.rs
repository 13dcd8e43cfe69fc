//! Who sends a request: the owner of its bearer token.

use std::sync::Arc;

use axum::http::HeaderMap;
use taskwire_protocol::{ErrorCode, Failure};
use tracing::Span;
use tracing::field::display;

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
        Some(token) => {
            let caller = app.engine.owner_now(token).await?;
            note(&caller);
            Ok(Some(caller))
        }
        None => Ok(None),
    }
}

/// The owner of the token; `AUTH_REQUIRED` without one. With an API token this is what only a person may do: FORBIDDEN.
/// The routes of operations ask the table instead: [`known`].
pub(super) async fn required(app: &App, headers: &HeaderMap) -> Result<Arc<Caller>, Failure> {
    let caller = known(app, headers).await?;
    if caller.grant.is_some() {
        let message = "an API token cannot do this; sign in with the password";
        return Err(Failure::new(ErrorCode::Forbidden, message));
    }
    Ok(caller)
}

/// The owner of the token, which may be an API token; `AUTH_REQUIRED` without one. The engine's dispatcher checks what
/// an API token may do.
pub(super) async fn known(app: &App, headers: &HeaderMap) -> Result<Arc<Caller>, Failure> {
    caller(app, headers).await?.ok_or_else(auth_required)
}

/// Names the caller in the span of the request, and so in its lines of the log.
pub(super) fn note(caller: &Caller) {
    let span = Span::current();
    span.record("user.id", display(caller.user.id));
    if !caller.session.0.is_nil() {
        span.record("session.id", display(caller.session));
    }
}

/// The refusal of a request without a token.
pub(super) fn auth_required() -> Failure {
    Failure::new(
        ErrorCode::AuthRequired,
        "authentication required: send the header Authorization: Bearer TOKEN",
    )
}
