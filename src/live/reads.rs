//! Reads of the log on behalf of topics and cursors: many who want the same at the same time share one.

use super::{
    LogRange, LogUnavailable,
    hub::Hub,
    page::{NoPage, Page, PageKey},
    topic::Topic,
};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// The first wait before the log is asked again for a page; the waits double up to `LAST_RETRY`.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// A page of the log on its way to a cursor. It waits until the database answers.
pub(crate) type PageReading = Pin<Box<dyn Future<Output = Result<Arc<Page>, NoPage>> + Send>>;

impl Hub {
    /// Makes sure that the topic knows its head. One read serves all who wait for it.
    pub(crate) async fn fill(&self, topic: &Arc<Topic>) -> Result<(), LogUnavailable> {
        if topic.head().is_none() {
            self.range(topic).await?;
        }
        Ok(())
    }

    /// What the log holds, by a read that others may have begun already.
    pub(crate) async fn range(&self, topic: &Arc<Topic>) -> Result<LogRange, LogUnavailable> {
        let (log, stream) = (self.log.clone(), topic.stream);
        let shared = self
            .ranges
            .share(topic.id, || async move { log.range(stream).await });
        self.learn(topic, shared.await)
    }

    /// What the log holds, by a read that begins after this call.
    pub(crate) async fn fresh_range(&self, topic: &Arc<Topic>) -> Result<LogRange, LogUnavailable> {
        let (log, stream) = (self.log.clone(), topic.stream);
        let shared = self
            .ranges
            .share_fresh(topic.id, || async move { log.range(stream).await });
        self.learn(topic, shared.await)
    }

    /// The topic takes in what a shared read found.
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

    /// Reads a page, once for all who want the same.
    pub(crate) fn page(self: &Arc<Hub>, key: PageKey) -> PageReading {
        let hub = self.clone();
        Box::pin(async move {
            let mut wait = FIRST_RETRY;
            loop {
                let log = hub.log.clone();
                let shared = hub
                    .pages
                    .share(key, || async move { Page::read(&*log, key).await });
                if let Some(Ok(outcome)) = shared.await {
                    return outcome;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LAST_RETRY);
            }
        })
    }
}
