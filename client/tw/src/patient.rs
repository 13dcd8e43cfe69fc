//! Calls of which a command makes many: when the server has had enough for now, the command waits instead of failing.

use std::time::Duration;
use taskwire_client::{
    CallError, Client,
    protocol::{ErrorCode, Operation},
};

/// How long to wait when the server does not say.
const AGAIN: Duration = Duration::from_secs(1);

/// Makes a call, as often as the server says that it is one too many.
pub(crate) async fn call<O: Operation + Clone>(client: &Client, params: &O) -> Result<O::Output, CallError> {
    loop {
        match client.call(params.clone()).await {
            Err(CallError::Refused(failure)) if failure.code == ErrorCode::RateLimited => {
                let wait = failure.retry_after_ms.map_or(AGAIN, Duration::from_millis);
                tokio::time::sleep(wait).await;
            }
            answer => return answer,
        }
    }
}
