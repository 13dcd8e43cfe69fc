//! Reads the log for topics and cursors. Callers that ask for the same data at the same time share one read.

use super::{
    LogRange, LogUnavailable,
    hub::Hub,
    page::{NoPage, Page, PageKey},
    topic::Topic,
};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use taskwire_protocol::UserId;

/// The first wait before the log is asked again for a page; the waits double up to `LAST_RETRY`.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// The read of a page for a cursor. It waits until the database answers.
pub(crate) type PageReading = Pin<Box<dyn Future<Output = Result<Arc<Page>, NoPage>> + Send>>;

impl Hub {
    /// Makes sure that the topic knows its head. All callers that wait for it share one read.
    pub(crate) async fn fill(&self, topic: &Arc<Topic>) -> Result<(), LogUnavailable> {
        if topic.head().is_none() {
            self.range(topic).await?;
        }
        Ok(())
    }

    /// The range that the log holds, from a read that another caller may have begun already.
    pub(crate) async fn range(&self, topic: &Arc<Topic>) -> Result<LogRange, LogUnavailable> {
        let (log, stream) = (self.log.clone(), topic.stream);
        let shared = self
            .ranges
            .share(topic.id, || async move { log.range(stream).await });
        self.learn(topic, shared.await)
    }

    /// The range that the log holds, from a read that begins after this call.
    pub(crate) async fn fresh_range(&self, topic: &Arc<Topic>) -> Result<LogRange, LogUnavailable> {
        let (log, stream) = (self.log.clone(), topic.stream);
        let shared = self
            .ranges
            .share_fresh(topic.id, || async move { log.range(stream).await });
        self.learn(topic, shared.await)
    }

    /// Passes the result of a shared read to the topic.
    fn learn(
        &self,
        topic: &Arc<Topic>,
        read: Option<Result<LogRange, LogUnavailable>>,
    ) -> Result<LogRange, LogUnavailable> {
        let range = read.unwrap_or(Err(LogUnavailable))?;
        let news = topic.observe(range);
        self.attend(topic, news);
        Ok(range)
    }

    /// Reads a page for a reader of this user; callers that ask for it at the same time share the read. Retries until the
    /// database answers.
    pub(crate) fn page(self: &Arc<Hub>, key: PageKey, user: UserId) -> PageReading {
        let hub = self.clone();
        Box::pin(async move {
            let pause = hub.log.pause(user);
            if !pause.is_zero() {
                hub.meters.paced.increment(1);
                tokio::time::sleep(pause).await;
            }
            let mut wait = FIRST_RETRY;
            loop {
                let log = hub.log.clone();
                let shared = hub
                    .pages
                    .share(key, || async move { Page::read(&*log, key).await });
                if let Some(Ok(outcome)) = shared.await {
                    let bytes = outcome.as_ref().map_or(0, |page| page.bytes());
                    hub.log.was_read(user, bytes);
                    return outcome;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LAST_RETRY);
            }
        })
    }
}
