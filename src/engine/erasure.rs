//! What the jobs that erase deleted accounts need. Does not know who runs the steps, nor what else they erase.

use super::accounts::on_behalf;
use super::{Chore, Engine, frame, spawned};
use crate::ops::deletion::LeaveForGood;
use crate::store::jobs::{EraseAccount, ForgetName};
use crate::store::{StoreError, Transaction, erasure, log, members, streams, users, workspaces};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, SessionId, StreamId, UserId, WorkspaceId};
use uuid::Uuid;

/// The workspaces of one step. Their mutations share groups.
const WORKSPACES: i64 = 32;
/// The entries of a log that one step looks at.
const ENTRIES: i64 = 500;
/// The op_ids of one step.
const OP_IDS: i64 = 2000;

/// Which of some op_ids are of a user, and where the next ones begin.
pub struct OpIds {
    /// Those of the user.
    pub theirs: Vec<Uuid>,
    /// The last one that was looked at, if there may be more.
    pub next: Option<(Uuid, Uuid)>,
}

impl Engine {
    /// Takes a deleted user out of up to 32 workspaces after `after`. Returns the last of them, if there may be more. A
    /// workspace that the user left meanwhile changes nothing.
    pub async fn leave_workspaces(
        &self,
        erase: &EraseAccount,
        after: Option<WorkspaceId>,
    ) -> Result<Option<WorkspaceId>, Failure> {
        let (store, user) = (self.0.store.clone(), erase.user);
        let read = async move {
            let mut reader = store.read().await?;
            let account = users::find_even_deleted(&mut reader, user).await?;
            let after = after.map(Uuid::from);
            Ok((
                account,
                workspaces::list(&mut reader, user, after, WORKSPACES).await?,
            ))
        };
        let (account, workspaces) = spawned(read).await?;
        // an account that is not deleted was restored from a backup: it stays
        let Some(account) = account.filter(|account| account.deleted_at.is_some()) else {
            return Ok(None);
        };
        let leaving = workspaces.iter().map(|workspace| {
            // a session of its own: mutations of one session wait for each other
            let session = SessionId(self.0.ids.next());
            let caller = on_behalf(&account, session, erase.actor.clone());
            let leave = LeaveForGood {
                workspace: workspace.id,
                is_personal: workspace.id == account.personal,
            };
            self.act::<Nothing>(caller, leave)
        });
        for left in join_all(leaving).await {
            match left {
                Err(failure) if failure.code == ErrorCode::NotFound => {} // no longer a member
                left => drop(left?),
            }
        }
        let last = workspaces.last().map(|workspace| workspace.id);
        Ok(last.filter(|_| workspaces.len() as i64 == WORKSPACES))
    }

    /// The workspaces that a user has left, by the next entries of their own log after `after`; and the last of these
    /// entries, if there may be more.
    pub async fn workspaces_left(
        &self,
        user: UserId,
        after: i64,
    ) -> Result<(BTreeSet<WorkspaceId>, Option<i64>), Failure> {
        let store = self.0.store.clone();
        let read = async move { log::page(&mut store.read().await?, user.into(), after, ENTRIES).await };
        let page = spawned(read).await?;
        let left = page.iter().filter_map(|(_, text)| frame::workspace_lost(text));
        let last = page.last().map(|(seq, _)| *seq);
        Ok((left.collect(), last.filter(|_| page.len() as i64 == ENTRIES)))
    }

    /// The first step of taking a deleted user's name out of a workspace's log; `None` for an account that is not
    /// deleted.
    pub async fn name_to_forget(&self, job: &ForgetName) -> Result<Option<RewriteLog>, Failure> {
        let (store, user) = (self.0.store.clone(), job.user);
        let read = async move { users::find_even_deleted(&mut store.read().await?, user).await };
        let account = spawned(read).await?;
        let account = account.filter(|account| account.deleted_at.is_some());
        Ok(account.map(|account| RewriteLog {
            stream: job.workspace.into(),
            left: account.user.public(),
            after: 0,
        }))
    }

    /// Makes readers on all instances read the log again where it was rewritten.
    pub fn log_was_rewritten(&self, stream: StreamId, last: u64) {
        self.0.hub.forget(stream, last);
    }

    /// The op_ids of a user, among the next ones after `after`.
    pub async fn op_ids_of(&self, user: UserId, after: (Uuid, Uuid)) -> Result<OpIds, Failure> {
        let store = self.0.store.clone();
        let read = async move { erasure::op_ids(&mut store.read().await?, after, OP_IDS).await };
        let page = spawned(read).await?;
        let theirs = page.iter().filter(|(_, of)| *of == user.0);
        Ok(OpIds {
            theirs: theirs.map(|(op_id, _)| *op_id).collect(),
            next: page.last().copied().filter(|_| page.len() as i64 == OP_IDS),
        })
    }

    /// Whether a workspace has no members. Then nobody reaches it, and it never gets any.
    pub async fn is_abandoned(&self, workspace: WorkspaceId) -> Result<bool, Failure> {
        let store = self.0.store.clone();
        let read = async move { members::count(&mut store.read().await?, workspace).await };
        Ok(spawned(read).await? == 0)
    }
}

/// A step that shows what is left of a deleted user in some entries of a log, in the place of who they were.
pub struct RewriteLog {
    stream: StreamId,
    left: PublicUser,
    /// The last entry that was looked at.
    after: i64,
}

/// What [`RewriteLog`] did.
pub struct Rewritten {
    /// The next step, if there may be more entries.
    pub next: Option<RewriteLog>,
    /// The last entry that was rewritten.
    pub last: Option<u64>,
}

impl Chore for RewriteLog {
    type Output = Rewritten;

    async fn run(self, tx: &mut Transaction) -> Result<Rewritten, StoreError> {
        // a purge rewrites entries too, under the same lock
        streams::lock(tx, [self.stream]).await?;
        let page = log::load(tx, self.stream, self.after, ENTRIES).await?;
        let after = page.last().map(|(seq, _)| *seq);
        let is_last = (page.len() as i64) < ENTRIES;
        let mut rewritten = Vec::new();
        for (seq, text) in page {
            if let Some(text) = frame::without_name(&text, &self.left)? {
                rewritten.push((seq, text));
            }
        }
        let last = rewritten.last().map(|(seq, _)| seq.unsigned_abs());
        log::replace(tx, self.stream, rewritten).await?;
        let next = after
            .filter(|_| !is_last)
            .map(|after| RewriteLog { after, ..self });
        Ok(Rewritten { next, last })
    }
}
