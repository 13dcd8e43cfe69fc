//! The token source at work, in a task of its own: a refresh that was begun is never dropped halfway, because the
//! server has used up the old refresh token by then and the new one would be lost. Does not know what for.

use crate::{error::TokenError, tokens::TokenSource};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// A stopped client waits this long for its tokens: as long as a refresh may take.
const AT_MOST: Duration = Duration::from_secs(15);

/// At most one question to the token source.
#[derive(Default)]
pub(super) struct Fetching(Option<JoinHandle<Result<String, TokenError>>>);

impl Fetching {
    pub(super) fn start(&mut self, tokens: Arc<dyn TokenSource>, stale: Option<String>) {
        let asking = async move { tokens.token(stale.as_deref()).await };
        self.0 = Some(tokio::spawn(asking));
    }

    /// The answer; waits for ever when nothing was asked. Safe to cancel.
    pub(super) async fn done(&mut self) -> Result<String, TokenError> {
        let Some(task) = &mut self.0 else {
            return std::future::pending().await;
        };
        let done = task.await;
        self.0 = None;
        done.unwrap_or_else(|error| Err(TokenError::Unavailable(error.to_string())))
    }

    /// Waits for what was asked on behalf of a connection that is gone: whoever asks again gets what it got.
    pub(super) async fn settled(&mut self) {
        if self.0.is_some() {
            let _ = self.done().await;
        }
    }

    /// The same, of a client that stops.
    pub(super) async fn finish(&mut self) {
        let _ = tokio::time::timeout(AT_MOST, self.settled()).await;
    }
}
