//! Which request a task works for, so that log lines about its failures name it, at every level and without a span for
//! each request. The engine sets it around what it does for a request. Does not know what a request is.

use std::sync::Arc;
use tracing::Span;

/// A request, for the log.
pub trait Named: Send + Sync {
    /// Its id; every line about it has the same.
    fn id(&self) -> Arc<str>;
    /// A span for lines about its failure.
    fn span(&self) -> Span;
    /// It has begun to change something, so it is finished even if its client goes away.
    fn acts(&self);
}

tokio::task_local! {
    static ASKED: Arc<dyn Named>;
}

/// The request for which this task works.
pub fn current() -> Option<Arc<dyn Named>> {
    ASKED.try_with(Arc::clone).ok()
}

/// Does the work for a request, if there is one.
pub async fn on_behalf<F: Future>(request: Option<Arc<dyn Named>>, work: F) -> F::Output {
    match request {
        Some(request) => ASKED.scope(request, work).await,
        None => work.await,
    }
}

/// Logs something about the failure of the current request.
pub fn log(line: impl FnOnce()) {
    match current() {
        Some(request) => request.span().in_scope(line),
        None => line(),
    }
}
