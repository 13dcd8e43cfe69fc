//! Builds the indexes that lists of large workspaces read (`store/task_list/index`), in short reads beside everything else, and
//! one after the other. Lists read rows until then.

use super::Engine;
use crate::store::task_list::{Claim, Draft, ListIndex, ListIndexes, Standing};
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::WorkspaceId;
use tokio::time::sleep;

/// The pause between two looks at which indexes nobody uses.
const LOOK: Duration = Duration::from_mins(1);

impl Engine {
    /// Builds the index of a workspace that has so many tasks, unless it is too small, or somebody builds it.
    pub(super) fn want_list_index(&self, workspace: WorkspaceId, tasks: u64) {
        let indexes = &self.0.list_indexes;
        if !indexes.are_for(tasks) {
            return;
        }
        let Some(claim) = indexes.claim(workspace) else {
            return;
        };
        let (store, indexes) = (self.0.store.clone(), indexes.clone());
        tokio::spawn(async move {
            if let Err(error) = build(&store, &indexes, claim).await {
                tracing::debug!(error.message = %error, "could not build an index for lists; the next list tries again");
            }
        });
    }

    /// Drops indexes that nobody uses, until the instance ends.
    pub(super) async fn sweep_list_indexes(self) {
        loop {
            sleep(LOOK).await;
            self.0.list_indexes.sweep();
        }
    }
}

async fn build(store: &Store, indexes: &Arc<ListIndexes>, claim: Claim) -> Result<(), StoreError> {
    let _turn = indexes.building.lock().await;
    let workspace = claim.workspace;
    let began = Instant::now();
    let Some(mut draft) = Draft::begin(&mut store.read().await?, workspace).await? else {
        return Ok(());
    };
    while draft.read_on(&mut store.read().await?).await? {
        if !indexes.has_room(workspace, draft.size()) {
            return Ok(());
        }
    }
    let Ok(mut index) = tokio::task::spawn_blocking(|| draft.finish()).await else {
        return Ok(());
    };
    if follow(store, &mut index).await? == Standing::Current {
        indexes.keep(workspace, index, began.elapsed());
        metrics::histogram!("taskwire_list_index_build_seconds").record(began.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Takes over what changed while the index was built.
async fn follow(store: &Store, index: &mut ListIndex) -> Result<Standing, StoreError> {
    loop {
        match index.follow(&mut store.moment().await?).await? {
            Standing::Behind => {}
            standing => return Ok(standing),
        }
    }
}
