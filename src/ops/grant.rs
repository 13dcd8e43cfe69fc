//! What an API token may do. This is the only place: dispatch, batches and sockets ask `Caller::may` for each operation,
//! and `Caller::reaches` for each workspace. The rule follows from the row of the table of operations; a new operation on
//! a user's own data is refused until it is listed here. Does not know who sends the operation.

use super::Result;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use taskwire_protocol::account::{ApiTokenScope, GetProfile, GetUser, SyncUser};
use taskwire_protocol::batch::Batch;
use taskwire_protocol::notification::{
    CountUnread, DeleteNotification, DeleteNotifications, GetNotification, ListNotifications, MarkAllRead,
    MarkNotification,
};
use taskwire_protocol::stream::{ReadHistory, Subscribe, Unsubscribe};
use taskwire_protocol::workspace::{CreateWorkspace, ListWorkspaces};
use taskwire_protocol::{Access, ApiTokenId, ErrorCode, Failure, Kind, Operation, WorkspaceId};

/// The API token with which a caller acts.
pub struct Grant {
    /// The token's id.
    pub token: ApiTokenId,
    /// The hash by which the token is found.
    pub hash: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    scope: ApiTokenScope,
    /// The workspaces that it sees, sorted; `None` for all of its user's.
    workspaces: Option<Arc<[WorkspaceId]>>,
    /// When it was last used, as far as that was noted.
    used_ms: AtomicI64,
}

/// Which API tokens may send an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// All: anybody may.
    Free,
    /// All. A token that is limited to workspaces gets those alone.
    Read,
    /// Those of the scope `write`, in the workspaces that they see.
    Write,
    /// Those that are not limited to workspaces.
    ReadOwn,
    /// Those of the scope `write` that are not limited to workspaces.
    WriteOwn,
    /// None: only the user themselves.
    Never,
}

/// The operations on a user's own data that a token may send.
const OWN: [(&str, Right); 16] = [
    (GetProfile::NAME, Right::Read),
    (GetUser::NAME, Right::Read),
    (ListWorkspaces::NAME, Right::Read),
    (Subscribe::NAME, Right::Read),
    (Unsubscribe::NAME, Right::Read),
    (ReadHistory::NAME, Right::Read),
    // each of its mutations is asked about too
    (Batch::NAME, Right::Write),
    (SyncUser::NAME, Right::ReadOwn),
    (ListNotifications::NAME, Right::ReadOwn),
    (GetNotification::NAME, Right::ReadOwn),
    (CountUnread::NAME, Right::ReadOwn),
    (MarkNotification::NAME, Right::WriteOwn),
    (MarkAllRead::NAME, Right::WriteOwn),
    (DeleteNotification::NAME, Right::WriteOwn),
    (DeleteNotifications::NAME, Right::WriteOwn),
    (CreateWorkspace::NAME, Right::WriteOwn),
];

fn right(name: &str, kind: Kind, access: Access) -> Right {
    match access {
        Access::Anyone => Right::Free,
        // an administrator's token must not be worth the whole server
        Access::ServerAdmin => Right::Never,
        Access::User => {
            let found = OWN.iter().find(|(listed, _)| *listed == name);
            found.map_or(Right::Never, |(_, right)| *right)
        }
        Access::Viewer | Access::Member | Access::Admin | Access::Owner => match kind {
            Kind::Query => Right::Read,
            // a presence and a typing notice are for others to see
            Kind::Mutation | Kind::Command | Kind::Session => Right::Write,
        },
    }
}

impl Grant {
    /// The grant of a token. `workspaces` are sorted.
    pub fn new(
        token: ApiTokenId,
        hash: Arc<str>,
        name: Arc<str>,
        scope: ApiTokenScope,
        workspaces: Option<Arc<[WorkspaceId]>>,
        used_ms: i64,
    ) -> Grant {
        let used_ms = AtomicI64::new(used_ms);
        Grant {
            token,
            hash,
            name,
            scope,
            workspaces,
            used_ms,
        }
    }

    /// The workspaces that it is limited to.
    pub fn only(&self) -> Option<&[WorkspaceId]> {
        self.workspaces.as_deref()
    }

    /// Whether a use at `now_ms` is to be noted, because the last one noted is `at_least_ms` ago.
    pub fn notes_use(&self, now_ms: i64, at_least_ms: i64) -> bool {
        let noted = self.used_ms.load(Ordering::Relaxed);
        now_ms.saturating_sub(noted) >= at_least_ms && {
            let swap = (Ordering::Relaxed, Ordering::Relaxed);
            self.used_ms
                .compare_exchange(noted, now_ms, swap.0, swap.1)
                .is_ok()
        }
    }

    /// Whether the token may send an operation.
    ///
    /// # Errors
    /// `FORBIDDEN`
    pub fn may(&self, name: &str, kind: Kind, access: Access) -> Result<()> {
        self.allows(right(name, kind, access))
    }

    fn allows(&self, right: Right) -> Result<()> {
        let (writes, is_limited) = (self.scope == ApiTokenScope::Write, self.workspaces.is_some());
        let refusal = match right {
            Right::Never => "an API token cannot do this; sign in with the password",
            Right::Write | Right::WriteOwn if !writes => {
                "this API token may only read; use one with the scope write"
            }
            Right::ReadOwn | Right::WriteOwn if is_limited => {
                "this API token sees only some workspaces; use one that sees all"
            }
            Right::Free | Right::Read | Right::Write | Right::ReadOwn | Right::WriteOwn => return Ok(()),
        };
        Err(Failure::new(ErrorCode::Forbidden, refusal))
    }
}

/// Without the hash.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("token", &self.token)
            .field("scope", &self.scope)
            .field("workspaces", &self.workspaces)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::operations::CATALOG;
    use uuid::Uuid;

    fn grant(scope: ApiTokenScope, workspaces: Option<&[u128]>) -> Grant {
        let ids = |ids: &[u128]| ids.iter().map(|id| WorkspaceId(Uuid::from_u128(*id))).collect();
        let token = ApiTokenId(Uuid::from_u128(1));
        Grant::new(token, "h".into(), "ci".into(), scope, workspaces.map(ids), 0)
    }

    fn allowed(grant: &Grant) -> Vec<&'static str> {
        let rows = CATALOG.iter();
        let may = rows.filter(|row| grant.allows(right(row.name, row.kind, row.access)).is_ok());
        may.map(|row| row.name).collect()
    }

    #[test]
    fn every_exception_is_an_operation_on_the_users_own_data() {
        for (name, _) in OWN {
            let row = CATALOG.iter().find(|row| row.name == name).expect("a row");
            assert_eq!(row.access, Access::User, "{name}: its row decides");
        }
    }

    #[test]
    fn a_new_operation_on_the_users_own_data_is_refused() {
        for kind in [Kind::Query, Kind::Mutation, Kind::Command, Kind::Session] {
            assert_eq!(right("something.new", kind, Access::User), Right::Never);
            assert_eq!(right("something.new", kind, Access::ServerAdmin), Right::Never);
        }
    }

    #[test]
    fn no_token_rules_the_account_or_the_server() {
        let all = allowed(&grant(ApiTokenScope::Write, None));
        for prefix in [
            "admin.",
            "api_token.",
            "calendar.",
            "profile.u",
            "profile.d",
            "profile.c",
        ] {
            assert!(all.iter().all(|name| !name.starts_with(prefix)), "{prefix}");
        }
        let of_auth = all.iter().filter(|name| name.starts_with("auth"));
        for name in of_auth {
            let row = CATALOG.iter().find(|row| row.name == *name).expect("a row");
            assert_eq!(row.access, Access::Anyone, "{name}");
        }
    }

    #[test]
    fn a_token_that_reads_changes_nothing() {
        for name in allowed(&grant(ApiTokenScope::Read, None)) {
            let row = CATALOG.iter().find(|row| row.name == name).expect("a row");
            let changes = matches!(row.kind, Kind::Mutation | Kind::Command);
            assert!(!changes && name != "presence.set", "{name}");
        }
    }

    #[test]
    fn a_limited_token_reaches_its_workspaces_alone() {
        let limited = grant(ApiTokenScope::Write, Some(&[2, 5]));
        let may = allowed(&limited);
        for name in ["user.sync", "notification.list", "workspace.create"] {
            assert!(!may.contains(&name), "{name}");
        }
        for name in ["workspace.list", "task.create", "batch", "stream.history"] {
            assert!(may.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_use_is_noted_once_in_a_while() {
        let grant = grant(ApiTokenScope::Read, None);
        let noted = [59, 60, 61, 119, 120].map(|now| grant.notes_use(now, 60));
        assert_eq!(noted, [false, true, false, false, true]);
    }
}
