//! The index of words, where it is not part of writing a task: brought up to date in short steps on the writer.

use super::lane::Chore;
use super::{Engine, spawned};
use crate::store::search::{self, Due};
use crate::store::{StoreError, Transaction};
use std::pin::Pin;
use taskwire_protocol::{ErrorCode, Failure};

/// Tasks of the first step: a few milliseconds.
const STEP: i64 = 128;
/// Steps grow up to this while more waits. Between two of them everybody else has a turn, and may write more than a small
/// step indexes: the index would fall behind for as long as that goes on.
const LARGEST: i64 = 1024;

struct Index {
    due: Due,
    step: i64,
}

impl Chore for Index {
    type Output = Option<Due>;

    fn run<'a>(
        self,
        tx: &'a mut Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Due>, StoreError>> + Send + 'a>> {
        Box::pin(search::catch_up(tx, self.due, self.step))
    }
}

impl Engine {
    /// Indexes what waits to be indexed now; not what comes meanwhile.
    pub async fn index_words(&self) -> Result<(), Failure> {
        let store = self.0.store.clone();
        let mut waiting = spawned(async move { search::due(&mut store.read().await?).await }).await?;
        let mut step = STEP;
        while let Some(due) = waiting {
            waiting = self.chore(Index { due, step }).await?;
            step = (step * 2).min(LARGEST);
        }
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
