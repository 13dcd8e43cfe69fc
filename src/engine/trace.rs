//! How the server's log identifies a request: its id, its operation, its caller. A span costs more than many operations
//! do, so every request has one at the level `debug` only. At all levels, the log lines about a request that failed are
//! in a span that is made for them.

use super::outlive::Acting;
use super::{Caller, Incoming};
use crate::ops::asked::Named;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
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

    /// At the level `debug` every request gets an id, because its span needs one; at other levels only one that fails.
    pub(super) fn identified(request_id: Option<Arc<str>>) -> Option<Arc<str>> {
        let needed = || tracing::enabled!(kind: tracing::metadata::Kind::SPAN, tracing::Level::DEBUG);
        request_id.or_else(|| needed().then(|| Uuid::new_v4().to_string().into()))
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

    /// Gives a failure the id under which the log has its request, and logs it if it is the server's fault.
    pub(super) fn report(&self, failure: &mut Failure, after: Duration) {
        if let (true, Some(id)) = (failure.request_id.is_empty(), &self.request_id) {
            failure.request_id = id.to_string();
        }
        if failure.code != ErrorCode::InternalError {
            return;
        }
        if failure.request_id.is_empty() {
            failure.request_id = self.id();
        }
        self.failed(failure, after);
    }

    /// The line about a failure that is the server's fault. The failure has its id.
    fn failed(&self, failure: &Failure, after: Duration) {
        let duration_ms = after.as_millis() as u64;
        let span = self.of_failure(&failure.request_id);
        span.in_scope(|| tracing::error!(duration_ms, "a request failed: {}", failure.message));
    }

    /// Gives a failure an id if it has none, and logs it. One without an id was not logged by the dispatcher.
    pub(super) fn named(&self, mut failure: Failure, after: Duration) -> Failure {
        let is_new = failure.request_id.is_empty();
        if is_new {
            failure.request_id = self.id();
        }
        if is_new && failure.code == ErrorCode::InternalError {
            self.failed(&failure, after);
        } else {
            // one span at the level of the line: at other levels neither is made
            let span = span!(DEBUG, self, &*failure.request_id);
            let duration_ms = after.as_millis() as u64;
            span.in_scope(|| {
                tracing::debug!(
                    error.code = failure.code.as_str(),
                    duration_ms,
                    "a request was refused"
                );
            });
        }
        failure
    }
}

/// Gives the refusal of a request on a socket an id if it has none, and logs it. `after`: how long the request took.
pub fn named(
    failure: Failure,
    operation: &'static str,
    caller: Option<Arc<Caller>>,
    after: Duration,
) -> Failure {
    let request_id = None;
    let trace = Trace {
        operation,
        request_id,
        caller,
    };
    trace.named(failure, after)
}

/// A request that the engine works for, outside of the writers' lane.
pub(super) struct UnderWay {
    trace: Trace,
    /// The id, if the transport gave none and a line needed one.
    made: OnceLock<Arc<str>>,
    acting: Acting,
}

impl UnderWay {
    pub(super) fn of(trace: Trace) -> Arc<UnderWay> {
        Arc::new(UnderWay {
            trace,
            made: OnceLock::new(),
            acting: Acting::default(),
        })
    }

    /// Whether it has begun to act.
    pub(super) fn acting(&self) -> &Acting {
        &self.acting
    }

    /// The request for the log's last line: with the id that earlier lines have.
    pub(super) fn trace(&self) -> Trace {
        let request_id = self.trace.request_id.clone();
        Trace {
            request_id: request_id.or_else(|| self.made.get().cloned()),
            ..self.trace.clone()
        }
    }
}

impl Named for UnderWay {
    fn id(&self) -> Arc<str> {
        let given = self.trace.request_id.clone();
        given.unwrap_or_else(|| self.made.get_or_init(|| self.trace.id().into()).clone())
    }

    fn span(&self) -> Span {
        self.trace.of_failure(&self.id())
    }

    fn acts(&self) {
        self.acting.begin();
    }
}
