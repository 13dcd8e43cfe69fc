//! The index of words, where it is not part of writing a task: brought up to date in short steps on the writer.

use super::lane::Chore;
use super::{Engine, spawned};
use crate::store::{Group, StoreError, search};
use std::pin::Pin;
use taskwire_protocol::{ErrorCode, Failure};

/// Tasks of a step: a few milliseconds.
const STEP: i64 = 128;

struct Index;

impl Chore for Index {
    type Output = u64;

    fn run<'a>(
        self,
        group: &'a mut Group,
    ) -> Pin<Box<dyn Future<Output = Result<u64, StoreError>> + Send + 'a>> {
        Box::pin(search::catch_up(group, STEP))
    }
}

impl Engine {
    /// Indexes what waits to be indexed.
    pub async fn index_words(&self) -> Result<(), Failure> {
        let store = self.0.store.clone();
        let behind = spawned(async move { search::is_behind(&mut store.read().await?).await }).await?;
        while behind && self.chore(Index).await? >= STEP as u64 {}
        Ok(())
    }

    /// The same for a search that is about to begin. A full database has no room for the newest words, and is no reason
    /// not to find the others.
    pub(super) async fn index_before_search(&self) -> Result<(), Failure> {
        match self.index_words().await {
            Err(failure) if failure.code == ErrorCode::StorageFull => Ok(()),
            outcome => outcome,
        }
    }
}
