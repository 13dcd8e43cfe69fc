//! Whether a server is there: what to ask before a request that may take long.

use super::{Http, root};
use crate::{
    backoff::Backoff,
    error::{CallError, Disconnected, Stopped},
};
use reqwest::header;
use std::time::Duration;
use tokio::time::Instant;

/// What a server answers at once, whatever it is busy with.
const PATH: &str = "livez";

impl Http {
    /// Asks for something small, without the token. Any answer shows that a server is there, also one of a proxy before
    /// it. An attempt without an answer ends after `limit`; further ones are made for as long as the patience says.
    ///
    /// # Errors
    /// `Stopped` when nobody answers.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use taskwire_client::Http;
    ///
    /// let http = Http::to("http://127.0.0.1:8080")?;
    /// http.knock(Duration::from_secs(3)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn knock(&self, limit: Duration) -> Result<(), CallError> {
        let target = self.base.join(PATH);
        let target = target.map_err(|error| CallError::Unwritable(error.to_string()))?;
        let (began, mut backoff) = (Instant::now(), Backoff::default());
        loop {
            let mut request = self.client.get(target.clone()).timeout(limit);
            if let Some(agent) = &self.agent {
                request = request.header(header::USER_AGENT, agent);
            }
            let why = match request.send().await {
                Err(error) if error.is_timeout() => Disconnected::TimedOut(limit),
                Err(error) if error.is_connect() => Disconnected::Unreachable(root(&error)),
                // Somebody is there. After a connection that broke, the request that follows finds out more.
                Ok(_) | Err(_) => return Ok(()),
            };
            let wait = backoff.next();
            if began.elapsed() + wait >= self.patience {
                return Err(CallError::Stopped(Stopped::Unreachable(why)));
            }
            tokio::time::sleep(wait).await;
        }
    }
}
