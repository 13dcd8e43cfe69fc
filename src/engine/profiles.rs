//! Shows a changed profile in the workspaces of its user, some workspaces at a time. Does not know what changed the
//! profile, nor who runs the steps.

use super::accounts::on_behalf;
use super::{Engine, spawned};
use crate::ops::profiles::ShowProfile;
use crate::store::jobs::SpreadProfile;
use crate::store::{members, users};
use futures_util::future::join_all;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, SessionId, WorkspaceId};

/// The workspaces of one step. Their mutations share groups.
const STEP: usize = 32;

impl Engine {
    /// Shows a user's profile, as it is now, in up to 32 workspaces after `after`. Returns the last of them, if there
    /// may be more.
    pub async fn spread_profile(
        &self,
        spread: &SpreadProfile,
        after: Option<WorkspaceId>,
    ) -> Result<Option<WorkspaceId>, Failure> {
        let (store, user) = (self.0.store.clone(), spread.user);
        let read = async move {
            let mut reader = store.read().await?;
            let account = users::find(&mut reader, user).await?;
            Ok((
                account,
                members::outdated(&mut reader, user, after, STEP as i64).await?,
            ))
        };
        let (account, workspaces) = spawned(read).await?;
        let Some(account) = account else { return Ok(None) };
        let showing = workspaces.iter().map(|workspace| {
            // a session of its own: mutations of one session wait for each other
            let session = SessionId(self.0.ids.next());
            let caller = on_behalf(&account, session, spread.actor.clone());
            self.act::<Nothing>(caller, ShowProfile(*workspace))
        });
        for shown in join_all(showing).await {
            match shown {
                Err(failure) if failure.code == ErrorCode::NotFound => {} // no longer a member
                shown => drop(shown?),
            }
        }
        Ok(workspaces.last().copied().filter(|_| workspaces.len() == STEP))
    }
}
