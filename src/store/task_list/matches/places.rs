//! Where a search looks.

use super::Scope;
use crate::store::sql::Sql;
use crate::store::{Reader, Result};
use taskwire_protocol::WorkspaceId;
use uuid::Uuid;

/// The workspaces of a search, and how many tasks each has.
pub struct Places {
    pub(super) all: Vec<(WorkspaceId, i64)>,
}

impl Places {
    /// Those that a search may read from.
    pub async fn of(reader: &mut Reader, scope: Scope<'_>) -> Result<Places> {
        let mut sql = Sql::new("select s.id, s.pending + s.completed + s.deleted from ");
        match scope {
            Scope::Workspace(id) => sql.push("streams s where s.id = ").bind(id.0),
            Scope::OfUser(user) => members(&mut sql, user.0, None),
            Scope::Among(user, only) => members(&mut sql, user.0, Some(only)),
        };
        let found: Vec<(Uuid, i64)> = reader.fetch(sql).await?;
        let all = found.into_iter().map(|(id, tasks)| (WorkspaceId(id), tasks));
        Ok(Places { all: all.collect() })
    }

    pub(super) fn ids(&self) -> Vec<WorkspaceId> {
        self.all.iter().map(|(id, _)| *id).collect()
    }

    pub(super) fn tasks(&self) -> i64 {
        self.all.iter().map(|(_, tasks)| tasks).sum()
    }

    /// How many of the newest rows to look at in each of them, if it is this many in one.
    pub(super) fn share(&self, of_one: i64) -> i64 {
        (of_one / self.all.len().max(1) as i64).max(16)
    }

    /// Whether so many of each are all tasks that there are.
    pub(super) fn are_within(&self, each: i64) -> bool {
        self.all.iter().all(|(_, tasks)| *tasks <= each)
    }
}

fn members<'s>(sql: &'s mut Sql, user: Uuid, only: Option<&[WorkspaceId]>) -> &'s mut Sql {
    sql.push("members m join streams s on s.id = m.workspace_id where m.user_id = ")
        .bind(user)
        .among("m.workspace_id", only)
}
