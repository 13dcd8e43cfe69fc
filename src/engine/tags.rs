//! The steps of the job that makes tags of the names which tasks have from an older version.

use super::accounts::acting_for;
use super::{Engine, spawned};
use crate::ops::tags::AdoptTags;
use crate::store::tags;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{Failure, SessionId, UserId, WorkspaceId};
use uuid::Uuid;

/// The tags of one step. Their mutations share groups.
const STEP: usize = 64;

impl Engine {
    /// Makes the tags of up to 64 names after this one. Returns the last of them, if there may be more.
    pub async fn adopt_tags(
        &self,
        after: Option<(WorkspaceId, String)>,
    ) -> Result<Option<(WorkspaceId, String)>, Failure> {
        let (workspace, key) = after.unwrap_or((WorkspaceId(Uuid::nil()), String::new()));
        let store = self.0.store.clone();
        let read = async move {
            let mut reader = store.read().await?;
            tags::without_tag(&mut reader, (workspace, key.as_str()), STEP as i64).await
        };
        let found = spawned(read).await?;
        let last = found.last().cloned().filter(|_| found.len() == STEP);
        let mut keys: BTreeMap<WorkspaceId, Vec<String>> = BTreeMap::new();
        for (workspace, key) in found {
            keys.entry(workspace).or_default().push(key);
        }
        let adopting = keys.into_iter().map(|(workspace, keys)| {
            // a session of its own: mutations of one session wait for each other
            let caller = acting_for(UserId(Uuid::nil()), SessionId(self.0.ids.next()), Actor::Server);
            self.act::<Nothing>(caller, AdoptTags { workspace, keys })
        });
        for adopted in join_all(adopting).await {
            adopted?;
        }
        Ok(last)
    }
}
