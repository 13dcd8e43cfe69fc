//! Asks the token source in a separate task, so that a refresh is never dropped halfway. At that point the server may
//! have used up the old refresh token already, and the new one would be lost.

use crate::{error::TokenError, tokens::TokenSource};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// A client that stops waits this long for a token: as long as a refresh may take.
const AT_MOST: Duration = Duration::from_secs(15);

/// The request to the token source that is under way, if any.
#[derive(Default)]
pub(super) struct Fetching(Option<JoinHandle<Result<String, TokenError>>>);

impl Fetching {
    pub(super) fn start(&mut self, tokens: Arc<dyn TokenSource>, stale: Option<String>) {
        let asking = async move { tokens.token(stale.as_deref()).await };
        self.0 = Some(tokio::spawn(asking));
    }

    /// The answer. Waits for ever when there is no request. Safe to cancel.
    pub(super) async fn done(&mut self) -> Result<String, TokenError> {
        let Some(task) = &mut self.0 else {
            return std::future::pending().await;
        };
        let done = task.await;
        self.0 = None;
        done.unwrap_or_else(|error| Err(TokenError::Unavailable(error.to_string())))
    }

    /// Waits for the request of an earlier connection. Its answer is dropped here; the token source keeps it.
    pub(super) async fn settled(&mut self) {
        if self.0.is_some() {
            let _ = self.done().await;
        }
    }

    /// Does the same as `settled`, with a time limit, for a client that stops.
    pub(super) async fn finish(&mut self) {
        let _ = tokio::time::timeout(AT_MOST, self.settled()).await;
    }
}
