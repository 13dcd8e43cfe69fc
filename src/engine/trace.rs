//! How the server's log identifies a request: its id, its operation, its caller. A span costs more than many operations
//! do, so every request has one at the level `debug` only. At all levels, the log lines about a request that failed are
//! in a span that is made for them.

use super::{Caller, Incoming};
use std::sync::Arc;
use taskwire_protocol::{ErrorCode, Failure};
use tracing::Span;
use uuid::Uuid;

/// A request, for the log.
#[derive(Clone)]
pub(super) struct Trace {
    pub(super) operation: &'static str,
    /// The id that the transport gave the request. A socket gives none.
    pub(super) request_id: Option<Arc<str>>,
    pub(super) caller: Option<Arc<Caller>>,
}

/// Evaluates the fields only if the level is enabled.
macro_rules! span {
    ($level:ident, $trace:expr, $request_id:expr) => {{
        let caller = $trace.caller.as_ref();
        tracing::span!(
            tracing::Level::$level,
            "request",
            request.id = $request_id,
            op.name = $trace.operation,
            user.id = caller.map(|caller| tracing::field::display(caller.user.id)),
            session.id = caller.map(|caller| tracing::field::display(caller.session)),
        )
    }};
}

impl Trace {
    pub(super) fn of(incoming: &Incoming) -> Trace {
        Trace {
            operation: incoming.request.name(),
            request_id: incoming.sender.request_id.clone(),
            caller: incoming.sender.caller.clone(),
        }
    }

    /// The span of the request at the level `debug`. At other levels it is disabled and costs nothing.
    pub(super) fn span(&self) -> Span {
        span!(DEBUG, self, self.request_id.as_deref())
    }

    /// The span of a request that failed. Such a request always has an id.
    pub(super) fn of_failure(&self, request_id: &str) -> Span {
        span!(ERROR, self, request_id)
    }

    /// The id of the request, made now if the transport gave none.
    pub(super) fn id(&self) -> String {
        let given = self.request_id.as_deref().map(str::to_owned);
        given.unwrap_or_else(|| Uuid::new_v4().to_string())
    }

    /// Logs a failure that is the server's fault, and gives it the id under which the log has it.
    pub(super) fn report(&self, failure: &mut Failure) {
        if failure.code != ErrorCode::InternalError {
            return;
        }
        if failure.request_id.is_empty() {
            failure.request_id = self.id();
        }
        let span = self.of_failure(&failure.request_id);
        span.in_scope(|| tracing::error!("a request failed: {}", failure.message));
    }
}
