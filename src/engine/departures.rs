//! Tells the members of a deleted workspace that it is gone, some at a time. Does not know who runs the steps.

use super::accounts::acting_for;
use super::{Engine, spawned};
use crate::ops::workspaces::TellOfDeletion;
use crate::store::departures;
use futures_util::future::join_all;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{Failure, SessionId, WorkspaceId};

/// The users of one step. Their mutations share groups.
const USERS: i64 = 64;

impl Engine {
    /// Tells up to 64 members of a deleted workspace. Returns whether there may be more.
    pub async fn tell_of_deletion(&self, workspace: WorkspaceId, by: &Actor) -> Result<bool, Failure> {
        let store = self.0.store.clone();
        let read = async move { departures::list(&mut store.read().await?, workspace, USERS).await };
        let users = spawned(read).await?;
        let telling = users.iter().map(|user| {
            // a session of its own: mutations of one session wait for each other
            let caller = acting_for(*user, SessionId(self.0.ids.next()), by.clone());
            self.act::<Nothing>(caller, TellOfDeletion(workspace))
        });
        for told in join_all(telling).await {
            told?;
        }
        Ok(users.len() as i64 == USERS)
    }
}
