//! Indexes the words of tasks that changed, soon after they did, where that is not part of writing them.

use crate::engine::Engine;
use std::time::Duration;

/// Between two looks. A search does not wait for it.
const ROUND: Duration = Duration::from_secs(2);

/// Keeps the index of words up to date for ever.
pub async fn words(engine: Engine) {
    loop {
        tokio::time::sleep(ROUND).await;
        if let Err(failure) = engine.index_words().await {
            tracing::warn!(error = %failure, "the index of words is behind; the next round goes on");
        }
    }
}
