//! Builds the indexes that lists of large workspaces read (`store/task_list/index`), in short reads beside everything else, and
//! one after the other; users who want several take turns. Lists read rows until then.

use super::Engine;
use crate::store::StoreError;
use crate::store::task_list::{Claim, Draft, ListIndex, Standing};
use std::time::{Duration, Instant};
use taskwire_protocol::{UserId, WorkspaceId};
use tokio::time::sleep;
use uuid::Uuid;

/// Whose turns the reads for an index are. They are nobody's own: else who has an index built, and keeps searches waiting,
/// would hold up the indexes of everybody.
const BUILDER: UserId = UserId(Uuid::nil());

/// The pause between two looks at which indexes nobody uses.
const LOOK: Duration = Duration::from_mins(1);
/// The bytes that an index takes for a task, about: who must make room for it is known before it is built.
const EACH: usize = 200;

impl Engine {
    /// Builds the index of a workspace that has so many tasks for a user, unless it is too small, or somebody builds it.
    pub(super) fn want_list_index(&self, user: UserId, workspace: WorkspaceId, tasks: u64) {
        let indexes = &self.0.list_indexes;
        if !indexes.are_for(tasks) {
            return;
        }
        let Some(claim) = indexes.claim(workspace, user) else {
            return;
        };
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(error) = engine.build_list_index(user, claim, tasks).await {
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

impl Engine {
    async fn build_list_index(&self, user: UserId, claim: Claim, tasks: u64) -> Result<(), StoreError> {
        let _turn = self.0.readers.build(user).await;
        let (indexes, workspace, began) = (&self.0.list_indexes, claim.workspace, Instant::now());
        let Some(mut draft) = Draft::begin(&mut *self.page(BUILDER).await?, workspace).await? else {
            return Ok(());
        };
        let expected = usize::try_from(tasks).unwrap_or(usize::MAX).saturating_mul(EACH);
        loop {
            if !indexes.has_room(workspace, draft.size().max(expected)) {
                return Ok(());
            }
            if !draft.read_on(&mut *self.page(BUILDER).await?).await? {
                break;
            }
        }
        let Ok(mut index) = tokio::task::spawn_blocking(|| draft.finish()).await else {
            return Ok(());
        };
        if self.bring_up_to_date(&mut index).await? == Standing::Current {
            indexes.keep(workspace, index, began.elapsed());
            metrics::histogram!("taskwire_list_index_build_seconds").record(began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Takes over what changed while the index was built.
    async fn bring_up_to_date(&self, index: &mut ListIndex) -> Result<Standing, StoreError> {
        loop {
            match index.follow(&mut *self.page_of_a_moment(BUILDER).await?).await? {
                Standing::Behind => {}
                standing => return Ok(standing),
            }
        }
    }
}
